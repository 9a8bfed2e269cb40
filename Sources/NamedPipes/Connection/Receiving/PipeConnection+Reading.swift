// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// From readable to bytes in memory. PipeConnection+Decoding makes messages of them.
//
// A read goes into the one buffer that all connections of the reactor share, behind the partial frame that the
// connection carries, if that is small. A frame that is large, or whose size is not known and that has become large, is
// read into memory of its own, which grows with what really arrives and never with what a header claims. ReadPlan
// decides which.
//
// One turn is one full read at most, and a bounded number of messages. What is left waits for the next turn, so that a
// flooding peer cannot keep the others waiting for longer than that.

extension PipeConnection {
    /// Reads and decodes as much as one turn allows: the slow path. The caller settles afterwards.
    func receive() {
        switch lifecycle.state {
        case .open: break
        case .finished: return receiveAfterEnd()
        case .closing: return discardInput()
        case .closed: return
        }
        var budget = endpoint.limits.messagesPerTurn
        while mayDeliver(budget) {
            if let reassembly, reassembly.mayHoldFrames {
                decodeCarried(reassembly, &budget)
            } else if interest.isInputReady {
                guard readAndGoOn(&budget) else { break }
            } else {
                if lifecycle.isShuttingDown { inputIsDrained() }
                break
            }
        }
        // Also when the last read was a full one: epoll does not report again what was carried from it.
        if budget <= 0 { turn.want() }
    }

    /// The fast path: one read into the receive buffer, for a connection that carries nothing.
    @inline(__always)
    func readDirectly(_ budget: inout Int) {
        let space = unsafe endpoint.readSpace
        do {
            switch try unsafe stream.receiveDirectly(into: space) {
            case .wouldBlock: return
            case .end: inputDidEnd()
            case .content(let count):
                endpoint.traffic.receivedByteCount &+= count
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: space[..<count])
                decode(unsafe Span<UInt8>(_unsafeBytes: bytes), 0, &budget)
            }
        } catch {
            readDidFail(error)
        }
    }

    /// One read and what it brings. False if that was all for this turn.
    private func readAndGoOn(_ budget: inout Int) -> Bool {
        if stream.hasReceivedDescriptors {
            beginClose(.descriptorsReceived)
            return false
        }
        let outcome: ReadOutcome<Bool>
        do {
            outcome = try read(&budget)
        } catch {
            readDidFail(error)
            return false
        }
        // One more round, to the end above, as soon as everything that was read is delivered.
        if stream.hasReceivedDescriptors { return true }
        switch outcome {
        case .content(true):
            // There may be more: epoll reports it again, after the others had their turn. A connection that shuts down
            // has to look for itself.
            if lifecycle.isShuttingDown { turn.want() } else { interest.inputIsRead() }
            return false
        case .end:
            inputDidEnd()
            return false
        case .content(false) where interest.isPeerFinishing || lifecycle.isShuttingDown:
            // The end is known to be there, or this end will close: all is read. Mostly nothing else comes, but a
            // stream may have seams (passed descriptors, urgent data), and messages that are sent on in place must not
            // be overwritten. A peer that goes on writing byte by byte cannot make this longer than a turn may be.
            adoptBorrowed()
            budget -= 1
            return true
        case .wouldBlock, .content(false):
            // The socket is drained: asking again would only cost an EAGAIN.
            interest.inputIsRead()
            return true
        }
    }

    /// The one read of the slow path, and the decoding of what it brings.
    ///
    /// - Returns: whether it filled all the room that it had, so that there may be more; that it would block also where
    ///   the connection waits for memory, or has ended for want of it.
    private func read(_ budget: inout Int) throws(SystemError) -> ReadOutcome<Bool> {
        var predicted: ReassemblyBuffer?
        guard let plan = planRead(&predicted) else { return .wouldBlock }
        let outcome = try fill(plan, predicted)
        let arrival = plan.arrival(of: outcome.byteCount)
        if case .content = outcome { decode(arrival, plan, &budget) }
        if let predicted { decode(predicted: predicted, &budget) }
        return outcome.map { _ in arrival.isFull }
    }

    /// Decides where the next read goes, and makes and charges the room for it. Nil where there is no room.
    private func planRead(_ predicted: inout ReassemblyBuffer?) -> ReadPlan? {
        let space = unsafe endpoint.readSpace.count
        guard let reassembly else { return ReadPlan(sharing: space) }
        if ReadPlan.copies(reassembly.byteCount, of: reassembly.frameByteCount, space: space) {
            return ReadPlan(sharing: space, behind: reassembly.byteCount)
        }
        let missing = reassembly.missingByteCount
        guard let granted = makeRoom(for: min(missing ?? .max, reassembly.growth), behind: reassembly) else {
            return nil
        }
        let room = reassembly.memory.bytes.room
        assert(room >= granted, "a read that allocates memory which is not charged for")
        if ReadPlan.mayComplete(missing: missing, room: room) { predicted = predictFrame(after: reassembly) }
        return ReadPlan(
            completing: missing, of: reassembly.frameByteCount, room: room, space: space, isPredicting: predicted != nil
        )
    }

    /// Carries out a plan with one system call.
    private func fill(_ plan: ReadPlan, _ predicted: ReassemblyBuffer?) throws(SystemError) -> ReadOutcome<Int> {
        let space = unsafe endpoint.readSpace
        let shared = unsafe UnsafeMutableRawBufferPointer(
            rebasing: space[plan.copiedByteCount...].prefix(plan.sharedByteCount))
        guard let reassembly else { return try unsafe receive(into: shared) }
        guard plan.ownByteCount > 0 else {
            unsafe reassembly.memory.bytes.withUnsafeBytes { unsafe space.copyMemory(from: $0) }
            return try unsafe receive(into: shared)
        }
        var outcome = ReadOutcome<Int>.wouldBlock
        _ = try unsafe reassembly.memory.bytes.withUnsafeFreeSpace(
            minimumCapacity: plan.ownByteCount
        ) { free throws(SystemError) in
            let own = unsafe UnsafeMutableRawBufferPointer(rebasing: free[..<plan.ownByteCount])
            if let predicted {
                outcome = try unsafe receive(into: own, shared, predicted, plan)
            } else {
                outcome = try unsafe receive(into: own, shared)
            }
            return plan.arrival(of: outcome.byteCount).ownByteCount
        }
        return outcome
    }

    private func receive(
        into own: UnsafeMutableRawBufferPointer, _ shared: UnsafeMutableRawBufferPointer,
        _ predicted: ReassemblyBuffer, _ plan: ReadPlan
    ) throws(SystemError) -> ReadOutcome<Int> {
        var outcome = ReadOutcome<Int>.wouldBlock
        _ = try unsafe predicted.memory.bytes.withUnsafeFreeSpace(
            minimumCapacity: plan.predictedByteCount
        ) { free throws(SystemError) in
            let beginning = unsafe UnsafeMutableRawBufferPointer(rebasing: free[..<plan.predictedByteCount])
            outcome = try unsafe receive(into: own, shared, beginning)
            return plan.arrival(of: outcome.byteCount).predictedByteCount
        }
        return outcome
    }

    /// One system call; see ``ByteStream/receive(into:_:_:)``.
    private func receive(
        into first: UnsafeMutableRawBufferPointer,
        _ second: UnsafeMutableRawBufferPointer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0),
        _ third: UnsafeMutableRawBufferPointer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    ) throws(SystemError) -> ReadOutcome<Int> {
        let outcome = try unsafe stream.receive(into: first, second, third)
        endpoint.traffic.receivedByteCount &+= outcome.byteCount
        return outcome
    }

    private func readDidFail(_ error: SystemError) {
        end(error.isConnectionReset ? .resetByPeer : .system(error))
    }

    /// Reads and forgets, so that a peer that has no room left for its own messages takes our last ones.
    private func discardInput() {
        guard interest.isInputReady, discardsInput else { return }
        // One read a turn. If there is more, epoll reports it again.
        interest.inputIsRead()
        do {
            switch try unsafe receive(into: endpoint.buffers.receiveSpace) {
            case .wouldBlock, .content: break
            // The peer may still read: the queue goes on leaving.
            case .end: lifecycle.inputDidEndWhileClosing()
            }
        } catch {
            // A reset means that the peer is gone and takes nothing of the queue any more.
            end(error.isConnectionReset ? decidedReason ?? .resetByPeer : .system(error))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// From a readable stream to bytes in memory, which PipeConnection+Decoding turns into messages.
//
// A read goes into the receive buffer of the reactor. A small partial frame that the connection carries is copied there
// first, so that the new bytes follow it. A large partial frame is completed in its reassembly buffer. Fresh memory
// grows with the bytes that have arrived; only spare memory of the pool may be as large as a header claims. `ReadPlan`
// decides between the two.
//
// One turn has at most one full read, and a bounded number of messages. The rest waits for the next turn. This bounds
// the time for which a flooding peer keeps other connections waiting.

/// How much of its room a read has filled.
private enum Fill {
    /// Less than all: the socket was empty, and another read would only return EAGAIN.
    case short
    /// All of it: there may be more.
    case full
}

extension PipeConnection {
    /// The two ways of receiving in a turn.
    enum ReceivingWay {
        /// The fast path, ``readDirectly(for:_:)``.
        case directly
        /// The slow path, ``receive()``, which has a budget of its own.
        case byPlan
    }

    /// Receives in the turn of this connection. A separate function, for the tasks that wait for messages.
    @inline(never)
    func receive(_ way: ReceivingWay, _ budget: inout Int) {
        switch way {
        case .directly: readDirectly(for: endpoint.batchReceiver, &budget)
        case .byPlan: receive()
        }
    }

    /// Whether ``receive()`` may find a message, as far as is known before it.
    var mayReceive: Bool {
        guard lifecycle.isReceiving, !flow.isPaused else { return false }
        return interest.isInputReady || reassembly?.mayHoldFrames == true
    }

    /// The fast path: one read into the receive buffer, for a connection that carries nothing.
    ///
    /// - Parameter receiver: gets the messages in place of the delegate.
    @inline(__always)
    func readDirectly(for receiver: BatchReceiver?, _ budget: inout Int) {
        let space = unsafe endpoint.readBuffer
        do {
            switch try unsafe stream.receiveDirectly(into: space) {
            case .wouldBlock: return
            case .end: inputDidEnd()
            case .content(let count):
                endpoint.traffic.receivedByteCount &+= count
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: space[..<count])
                decode(unsafe Span<UInt8>(_unsafeBytes: bytes), 0, for: receiver, &budget)
            }
        } catch {
            readDidFail(error)
        }
    }

    /// The slow path: reads and decodes as much as one turn allows. The caller settles afterwards.
    func receive() {
        switch lifecycle.state {
        case .open: break
        case .finished: return receiveAfterEnd()
        case .closing: return discardInput()
        case .closed: return
        }
        if flow.takeRescan() { rescan() }
        if isWaiting, endpoint.ledger.isTight { flow.pauseForRoom() }
        var budget = limits.messagesPerTurn
        while mayDeliver(budget) {
            if let reassembly, reassembly.mayHoldFrames {
                let before = budget
                decodeCarried(reassembly, &budget)
                countReceived(0, messageCount: before - budget)
            } else if interest.isInputReady {
                guard readAndGoOn(&budget) else { break }
            } else {
                if lifecycle.isShuttingDown { everythingIsRead() }
                break
            }
        }
        if stream.acceptsDescriptors { _ = endForDescriptors() }
        // Also after a full read, because epoll does not report the bytes that are carried from it.
        if budget <= 0 { turn.want() }
    }

    /// Reads once, and decodes what the read brought.
    ///
    /// - Returns: whether the turn goes on.
    private func readAndGoOn(_ budget: inout Int) -> Bool {
        if stream.hasReceivedDescriptors {
            beginClose(.descriptorsReceived)
            return false
        }
        if stream.acceptsDescriptors, !mayReadDescriptors() { return false }
        let outcome: ReadOutcome<Fill>
        do {
            outcome = try read(&budget)
        } catch {
            readDidFail(error)
            return false
        }
        // One more round, which closes the connection above, once everything that was read is delivered.
        if stream.hasReceivedDescriptors { return true }
        if stream.acceptsDescriptors, endForDescriptors() { return false }
        switch outcome {
        case .content(.full):
            // If there is more, epoll reports it again, after the other connections had their turn. A connection that
            // shuts down has to check for itself.
            if lifecycle.isShuttingDown { turn.want() } else { interest.awaitInput() }
            return false
        case .end:
            inputDidEnd()
            return false
        case .content(.short) where interest.isPeerFinishing || lifecycle.isShuttingDown:
            // The peer has finished, or this end is going to close: read to the end of the stream. Usually the next
            // read finds it. But a read can also be short at a seam of the stream (passed descriptors, urgent data),
            // and the next one must not overwrite messages that are sent on in place. The budget bounds the number of
            // rounds, even if a peer goes on writing byte by byte.
            adoptBorrowed()
            budget -= 1
            return true
        case .wouldBlock, .content(.short):
            interest.awaitInput()
            return true
        }
    }

    /// Plans the one read of the slow path, carries the plan out, and decodes what the read brought.
    ///
    /// - Returns: whether the read filled all its places, so that there may be more; `wouldBlock` also if the
    ///   connection waits for memory, or has ended for lack of it.
    private func read(_ budget: inout Int) throws(SystemError) -> ReadOutcome<Fill> {
        var predicted: ReassemblyBuffer?
        guard let plan = planRead(&predicted) else { return .wouldBlock }
        let outcome = try fill(plan, predicted)
        endpoint.traffic.receivedByteCount &+= outcome.byteCount
        let arrival = plan.arrival(of: outcome.byteCount)
        let before = budget
        decode(arrival, plan, predicted, &budget)
        countReceived(outcome.byteCount, messageCount: before - budget)
        return outcome.map { _ in arrival.isFull ? .full : .short }
    }

    /// Plans the next read, makes room for it and charges for the room. Nil if there is no room.
    private func planRead(_ predicted: inout ReassemblyBuffer?) -> ReadPlan? {
        let space = unsafe endpoint.readBuffer.count
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
        let space = unsafe endpoint.readBuffer
        let shared = unsafe UnsafeMutableRawBufferPointer(
            rebasing: space[plan.copiedByteCount...].prefix(plan.sharedByteCount))
        guard let reassembly else { return try unsafe receive(into: shared) }
        guard plan.ownByteCount > 0 else {
            unsafe reassembly.memory.bytes.withUnsafeBytes { unsafe space.copyMemory(from: $0) }
            return try unsafe receive(into: shared)
        }
        var outcome = ReadOutcome<Int>.wouldBlock
        try unsafe reassembly.memory.readBehind(plan.ownByteCount) { own throws(SystemError) in
            guard let predicted else {
                outcome = try unsafe receive(into: own, shared)
                return plan.arrival(of: outcome.byteCount).ownByteCount
            }
            try unsafe predicted.memory.readBehind(plan.predictedByteCount) { beginning throws(SystemError) in
                outcome = try unsafe stream.receive(into: own, shared, beginning)
                return plan.arrival(of: outcome.byteCount).predictedByteCount
            }
            return plan.arrival(of: outcome.byteCount).ownByteCount
        }
        return outcome
    }

    private func receive(
        into first: UnsafeMutableRawBufferPointer,
        _ second: UnsafeMutableRawBufferPointer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    ) throws(SystemError) -> ReadOutcome<Int> {
        if stream.acceptsDescriptors { return try unsafe receiveWithDescriptors(into: first, second) }
        return try unsafe stream.receive(into: first, second)
    }

    private func readDidFail(_ error: SystemError) {
        end(stream.failure ?? (error.isConnectionReset ? .resetByPeer : .system(error)))
    }

    /// Reads and discards input, because a peer whose own messages find no room may not read our last ones.
    private func discardInput() {
        guard interest.isInputReady, discardsInput else { return }
        // One read a turn. If there is more, epoll reports it again.
        interest.awaitInput()
        do {
            let outcome = try unsafe stream.receive(into: endpoint.buffers.receiveBuffer)
            endpoint.traffic.receivedByteCount &+= outcome.byteCount
            countReceived(outcome.byteCount, messageCount: 0)
            switch outcome {
            case .wouldBlock, .content: break
            // The peer may still read, so writing the queue goes on.
            case .end: lifecycle.inputDidEndWhileClosing()
            }
        } catch {
            // After a reset, the peer is gone and reads nothing of the queue.
            end(error.isConnectionReset ? decidedReason ?? .resetByPeer : .system(error))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// From readable to bytes in memory. What becomes of them is in PipeConnection+Delivery.
//
// Reads go into the one buffer that all connections of the reactor share, behind the unfinished frame that the
// connection carried over, if it is small. A frame that is large, or whose size is not known and that has become large,
// is read into memory of its own, which grows with what really arrives and never with what a header claims.
//
// One turn is one full read at most, and a bounded number of messages. What is left waits for the next turn, so that a
// flooding peer cannot keep the others waiting for longer than that.

/// How much of the room a read has filled.
private enum Fill {
    /// Less than there was room for: the socket is drained, and asking again would only cost an EAGAIN.
    case short
    /// The room was filled: there may be more.
    case full
}

extension ReadOutcome<Int> {
    fileprivate func filling(_ room: Int) -> ReadOutcome<Fill> { map { $0 < room ? .short : .full } }
}

extension PipeConnection {
    /// Reads and delivers as much as one turn allows. The caller settles afterwards.
    func receive() {
        switch lifecycle.state {
        case .open: break
        case .finished: return receiveAfterEnd()
        case .closing: return discardInput()
        case .closed: return
        }
        var budget = endpoint.limits.messagesPerTurn
        while budget > 0, lifecycle.isReceiving, !flow.isPaused {
            if let reassembly, reassembly.mayHoldFrames {
                walkCarried(reassembly, &budget)
            } else if interest.isInputReady {
                guard readAndGoOn(&budget) else { break }
            } else {
                if lifecycle.isShuttingDown { inputIsDrained() }
                break
            }
        }
        // Also when the last read was a full one: what was carried of it is no news to epoll.
        if budget <= 0 { turn.want() }
    }

    /// One read into the shared space and what it brings, for a connection that carries nothing.
    @inline(__always)
    func readPlainly(_ budget: inout Int) {
        let space = unsafe endpoint.readSpace
        do {
            switch try unsafe stream.receiveDirectly(into: space) {
            case .wouldBlock: return
            case .end: inputDidEnd()
            case .content(let count):
                endpoint.traffic.receivedByteCount &+= count
                unsafe walk(UnsafeRawBufferPointer(rebasing: space[..<count]), 0, &budget)
            }
        } catch {
            readDidFail(error)
        }
    }

    private func readDidFail(_ error: SystemError) {
        end(error.isConnectionReset ? .resetByPeer : .system(error))
    }

    /// Has epoll watch for input exactly while it is wanted. What is there and not wanted would be reported without
    /// end.
    func watchInput() {
        let isWanted = lifecycle.isReceiving ? !flow.isPaused : discardsInput
        guard isWanted != interest.watchesInput else { return }
        guard isWanted else {
            interest.ignoreInput()
            stream.unwatchInput()
            return
        }
        do {
            try stream.watchInput()
            interest.watchInput()
        } catch {
            end(.system(error))
            report()
        }
    }

    /// Whether what the peer sends is read only so that it can go on: while our last words wait to be taken, a peer
    /// that has no room left for its own does not take them.
    private var discardsInput: Bool {
        lifecycle.state == .closing && pendingByteCount > 0 && !lifecycle.hasInputEnded
    }

    private func discardInput() {
        guard interest.isInputReady, discardsInput else { return }
        // One read a turn. If there is more, epoll says so again.
        interest.inputIsRead()
        do {
            switch try unsafe receive(into: endpoint.buffers.receiveSpace) {
            case .wouldBlock, .content: break
            // It may still read: what is queued goes on leaving.
            case .end: lifecycle.inputDidEndWhileClosing()
            }
        } catch {
            // A reset says that the peer is gone, and that nothing takes the queue any more.
            end(error.isConnectionReset ? decidedReason ?? .resetByPeer : .system(error))
        }
    }

    /// One read and what it brings. False if that was all for this turn.
    private func readAndGoOn(_ budget: inout Int) -> Bool {
        if stream.hasReceivedDescriptors {
            beginClose(.descriptorsReceived)
            return false
        }
        let outcome: ReadOutcome<Fill>
        do {
            outcome = try unsafe read(endpoint.readSpace, &budget)
        } catch {
            readDidFail(error)
            return false
        }
        // Once more round, to the end above, as soon as everything that was read is delivered.
        if stream.hasReceivedDescriptors { return true }
        switch outcome {
        case .content(.full):
            // There may be more: epoll says so again, after the others had their turn. A draining connection has to
            // look for itself.
            if lifecycle.isShuttingDown { turn.want() } else { interest.inputIsRead() }
            return false
        case .end:
            inputDidEnd()
            return false
        case .content(.short) where interest.isPeerFinishing || lifecycle.isShuttingDown:
            // Where the end is known to be there, or this end will close, all is read. Mostly nothing else comes, but a
            // stream may have seams (passed descriptors, urgent data), and what is sent on in place must not be
            // overwritten. A peer that goes on writing byte by byte does not make it longer than a turn may be.
            adoptBorrowed()
            budget -= 1
            return true
        case .wouldBlock, .content(.short):
            interest.inputIsRead()
            return true
        }
    }

    private func read(
        _ space: UnsafeMutableRawBufferPointer, _ budget: inout Int
    ) throws(SystemError) -> ReadOutcome<Fill> {
        guard let reassembly else {
            let outcome = try unsafe receive(into: space)
            if case .content(let count) = outcome {
                unsafe walk(UnsafeRawBufferPointer(rebasing: space[..<count]), 0, &budget)
            }
            return outcome.filling(space.count)
        }
        let isSmall = reassembly.byteCount < min(ReactorBuffers.copiedByteCount + 1, space.count)
        if isSmall, reassembly.frameByteCount ?? 0 <= space.count {
            return try unsafe read(behind: reassembly, space, &budget)
        }
        return try unsafe read(into: reassembly, space, &budget)
    }

    /// Puts a small carried beginning in front of what is read now, and walks both together.
    private func read(
        behind reassembly: ReassemblyBuffer, _ space: UnsafeMutableRawBufferPointer, _ budget: inout Int
    ) throws(SystemError) -> ReadOutcome<Fill> {
        let carried = reassembly.byteCount
        unsafe reassembly.memory.bytes.withUnsafeBytes { unsafe space.copyMemory(from: $0) }
        let free = unsafe UnsafeMutableRawBufferPointer(rebasing: space[carried...])
        let outcome = try unsafe receive(into: free)
        if case .content(let count) = outcome {
            let (scanned, began) = (reassembly.scannedByteCount, reassembly.beganTick)
            self.reassembly = nil
            endpoint.buffers.giveBack(reassembly)
            unsafe walk(UnsafeRawBufferPointer(rebasing: space[..<(carried + count)]), scanned, began: began, &budget)
        }
        return outcome.filling(free.count)
    }

    /// Reads the rest of a large frame where it belongs and, in the same call, what follows it into the shared space.
    private func read(
        into reassembly: ReassemblyBuffer, _ space: UnsafeMutableRawBufferPointer, _ budget: inout Int
    ) throws(SystemError) -> ReadOutcome<Fill> {
        let missing = reassembly.missingByteCount ?? .max
        guard let growth = makeRoom(for: min(missing, reassembly.growth), behind: reassembly) else {
            return .wouldBlock
        }
        // What is paid for is what is held.
        assert(reassembly.memory.bytes.room >= growth, "a read that allocates")
        var room = 0
        var outcome = ReadOutcome<Int>.wouldBlock
        var next: ReassemblyBuffer?
        let own = try unsafe reassembly.memory.bytes.withUnsafeFreeSpace(
            minimumCapacity: growth
        ) { free throws(SystemError) in
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: free[..<min(free.count, missing)])
            next = rest.count == missing ? frameLikely(after: reassembly) : nil
            // Not more than leaves again in one write; but of what is larger than that, the beginning.
            let behind = reassembly.frameByteCount.map { space.count - $0 } ?? 0
            if rest.count == missing, behind > 0 || next != nil {
                let surplus = unsafe UnsafeMutableRawBufferPointer(rebasing: space[..<max(behind, 0)])
                (outcome, room) = try unsafe receive(into: rest, surplus, likely: next)
            } else {
                room = rest.count
                outcome = try unsafe receive(into: rest)
            }
            return min(outcome.byteCount, rest.count)
        }
        if case .content(let count) = outcome {
            if own == missing || missing == .max { walkCarried(reassembly, &budget) }
            let surplus = count - own - (next?.byteCount ?? 0)
            if surplus > 0 { unsafe walkBehindCarried(UnsafeRawBufferPointer(rebasing: space[..<surplus]), &budget) }
        }
        if let next { walk(likely: next, &budget) }
        return outcome.filling(room)
    }

    /// The end of the stream was read: cut off in the middle of a frame, or clean.
    private func inputDidEnd() {
        interest.inputDidEnd()
        if let reassembly {
            beginClose(.truncatedByPeer(missingByteCount: reassembly.missingByteCount))
            return lifecycle.inputDidEndWhileClosing()
        }
        lifecycle.peerDidFinish()
        endpoint.delegate?.connectionDidFinishReceiving(self)
        if lifecycle.state == .finished { watchForHangUp() }
    }

    /// All messages that had arrived when the server was told to stop have been delivered. An owner that answers later
    /// is told so, and closes the connection when it is done.
    private func inputIsDrained() {
        guard endpoint.leavesClosingToOwner else { return beginClose(.serverStopped) }
        lifecycle.leaveClosingToOwner()
        flow.pause()
        // The peer has not finished, and may be heard again: its finish is still to come, and is told once.
        AsyncConnectionState.of(self).finishInput(.stopped)
    }

    /// The owner wants to answer later: watch for the peer's hang-up meanwhile.
    private func watchForHangUp() {
        stream.unwatchInput()
        interest.watchForHangUp()
        do {
            try stream.awaitHangUp(self, endpoint.reactor)
        } catch {
            end(.system(error))
        }
    }

    /// After the end of the stream, the only news can be that the peer is gone altogether.
    private func receiveAfterEnd() {
        if lifecycle.isShuttingDown, !endpoint.leavesClosingToOwner { return beginClose(.serverStopped) }
        do {
            switch try stream.hangUp() {
            case nil: return
            case .clean: end(.closedByPeer)
            case .reset: end(.resetByPeer)
            }
        } catch {
            // This kind of news comes once: not to know it would be to wait for ever.
            end(.system(error))
        }
    }
}

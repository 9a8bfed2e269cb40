// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// From the decision that a connection ends to its one `didCloseWith`.

extension PipeConnection {
    /// Ends the connection once the queue is empty.
    func beginClose(_ reason: DisconnectReason) {
        switch lifecycle.close() {
        case .nothing, .shutDownOutput, .abandonOutput: return
        case .flush:
            decide(reason)
            leaveAllGroups()
        case .close:
            end(reason)
        }
        schedule()
    }

    /// Delivers what has arrived, then ends as ``beginClose(_:)`` does.
    func shutDown() {
        lifecycle.shutDown()
        interest.expectInput()
        turn.want()
        schedule()
    }

    /// Carries out what had to wait until the queue is empty. In a close, the queue has a limited time for that.
    func finishOutput() {
        if pendingByteCount == 0 {
            switch lifecycle.queueIsEmpty() {
            case .close: end(decidedReason ?? .closedLocally)
            case .shutDownOutput: if isDetaching { finishDetaching() } else { stream.finishSending() }
            case .nothing, .flush, .abandonOutput: break
            }
        } else if lifecycle.state == .closing, rareIfAny?.closeTimer == nil {
            rare.closeTimer = endpoint.reactor.limit(closeTimeout) { [unowned self] in
                end(stuckReason)
            }
        }
    }

    /// The reason of a close if the peer does not read the queue. A fault or a stop remains the reason, because it says
    /// more than a peer that does not read our last messages.
    var stuckReason: DisconnectReason {
        switch decidedReason {
        case nil, .closedLocally, .closedByPeer: .slowReader
        case let reason?: reason
        }
    }

    /// Closes the descriptor now. Memory that a caller may be using stays until the report.
    func end(_ reason: DisconnectReason) {
        guard lifecycle.end() else { return }
        decide(reason)
        leaveAllGroups()
        if let queue {
            queue.value.adoptBorrowed(endpoint.buffers)
            countLost(queue)
        }
        if let rare = rareIfAny {
            rare.closeTimer?.cancel()
            rare.closeTimer = nil
            rare.peerReading?.connectionWillClose()
            rare.descriptors?.end()
        }
        stream.close()
        schedule()
    }

    /// Stores the reason of the end. A later reason replaces an earlier one.
    private func decide(_ reason: DisconnectReason) {
        if case .closedByPeer = reason {
            lifecycle.decide(byPeer: true)
        } else {
            lifecycle.decide(byPeer: false)
            rare.endReason = reason
        }
    }

    /// Reports the end to the delegate, once, and then to the owner, and releases everything.
    func report() {
        guard !lifecycle.isReported, let decided = decidedReason, mayReport else { return }
        let reason = decided.explained(by: rareIfAny?.child?.exit)
        lifecycle.report()
        unsafe endpoint.owner?.connectionWillReport(self, reason, unsent: queue)
        recycleMemory()
        rareIfAny?.peerReading.take()?.connectionDidEnd(reason)
        endpoint.delegate?.connection(self, didCloseWith: reason)
        companion.end()
        leaveEndpoint()
        unsafe endpoint.owner?.connectionDidEnd(self, reason)
        deliverDetached()
    }

    private func recycleMemory() {
        if let queue { endpoint.buffers.recycle(queue) }
        queue = nil
        releaseCarried()
    }
}

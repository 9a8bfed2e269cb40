// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Half an end: a write that fails for good ends the output and nothing else. Nothing tells of it but the failed write:
// a peer that has shut its reading down (`shutdown(2)` with `SHUT_RD`) makes no event here. So what follows from it
// follows at once: the queue goes, with its charge, since nothing of it will ever leave; the owner hears of it; and if
// the peer says nothing more either, a deadline ends what is left.

extension PipeConnection {
    /// A write failed: the output is over, the input may not be.
    func outputDidFail(_ error: SystemError) {
        guard error.isPeersDoing else { return end(.system(error)) }
        switch lifecycle.outputDidFail() {
        case .close: end(decidedReason ?? .closedByPeer)
        case .abandonOutput: abandonOutput()
        case .nothing, .flush, .shutDownOutput: break
        }
    }

    private func abandonOutput() {
        // The deadline counts from here.
        noteActivity()
        leaveAllGroups()
        if let queue {
            self.queue = nil
            countLost(queue)
            unsafe endpoint.owner?.connectionDidFailSending(self, unsent: queue)
            endpoint.buffers.recycle(queue)
        }
        // Nothing is to be written any more, and nothing has to wait for that.
        stream.unwatchOutput()
        interest.outputDidFail()
        flow.outputDidFail()
        turn.want()
        if endpoint.deadlines.watchesQueues { endpoint.watchDeadlines() }
        schedule()
    }

    /// Tells the owner, from the loop. Where the connection has ended meanwhile, its end says it all.
    func tellOfOutputFailure() {
        guard lifecycle.takeOutputFailure() else { return }
        endpoint.delegate?.connection(self, didFailSendingWith: unsentMessageCount)
    }
}

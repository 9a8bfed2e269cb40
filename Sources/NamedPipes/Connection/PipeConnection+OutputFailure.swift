// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// A write that fails for good ends the output and nothing else. The failed write is the only sign of it: a peer that
// has shut its reading down (`shutdown(2)` with `SHUT_RD`) causes no event here. Therefore all consequences follow at
// once: the queue is released with its charge, because nothing of it can be sent; the owner is told; and if the peer
// sends nothing either, a deadline ends the connection.

extension PipeConnection {
    /// A write failed for good: the output ends, but there may still be input.
    func outputDidFail(_ error: SystemError) {
        guard error.isPeersDoing else { return end(.system(error)) }
        switch lifecycle.outputDidFail() {
        case .close: end(decidedReason ?? stream.failure ?? .closedByPeer)
        case .abandonOutput: abandonOutput()
        case .nothing, .flush, .shutDownOutput: break
        }
    }

    private func abandonOutput() {
        // The deadline starts here.
        noteActivity()
        leaveAllGroups()
        if let queue {
            self.queue = nil
            countLost(queue)
            unsafe endpoint.owner?.connectionDidFailSending(self, unsent: queue)
            endpoint.buffers.recycle(queue)
        }
        // Nothing is written any more, so nothing waits for writability or for a drain.
        stream.unwatchOutput()
        interest.outputDidFail()
        flow.outputDidFail()
        turn.want()
        if endpoint.deadlines.watchesQueues { endpoint.watchDeadlines() }
        schedule()
    }

    /// Reports the failed output to the delegate, from the loop. If the connection has ended meanwhile, the report of
    /// its end covers it.
    func tellOfOutputFailure() {
        guard lifecycle.takeOutputFailure() else { return }
        endpoint.delegate?.connection(self, didFailSendingWith: unsentMessageCount)
        if isDetaching { finishDetaching() }
    }
}

// SPDX-License-Identifier: Apache-2.0

// What of a connection can be late, for the one sweep of its endpoint.

extension PipeConnection {
    /// What of this connection has a deadline that can pass. A close has its own.
    private func stamps() -> DeadlineSweep.Stamps {
        // A peer that waits for us is not late.
        if let reassembly, flow.isPaused || reassembly.mayHoldFrames { reassembly.beganTick = endpoint.tick }
        let isWriting = interest.awaitsWritability && lifecycle.canWrite
        return DeadlineSweep.Stamps(
            frameBegan: lifecycle.isReceiving ? reassembly?.beganTick : nil,
            tookLast: isWriting ? queue?.value.tookLastTick : nil, saidLast: heardWithoutOutput, wasActive: activeTick,
            opened: openedTick)
    }

    /// When the peer said something the last time, where that is all that is left of the connection.
    private var heardWithoutOutput: UInt32? {
        guard lifecycle.output == .failed else { return nil }
        return flow.isPaused ? endpoint.tick : activeTick
    }

    /// Ends the connection if a deadline has passed. Returns whether one may pass later.
    func lookAfterDeadlines() -> Bool {
        guard lifecycle.state == .open || lifecycle.state == .finished else { return false }
        let stamps = stamps()
        guard let reason = endpoint.deadlines.overdue(stamps) else { return endpoint.deadlines.watches(stamps) }
        switch reason {
        // A peer that takes nothing does not take last words either.
        case .writeStalled, .outputFailed, .idle: end(reason)
        default: beginClose(reason)
        }
        return false
    }
}

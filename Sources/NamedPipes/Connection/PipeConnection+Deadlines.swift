// SPDX-License-Identifier: Apache-2.0

// The deadlines of a connection, for the one sweep of its endpoint.

extension PipeConnection {
    /// The stamps of everything that can be overdue now. A close has a timer of its own.
    private func stamps() -> DeadlineSweep.Stamps {
        // A peer that waits for us is not late.
        if let reassembly, flow.isPaused || reassembly.mayHoldFrames { reassembly.beganTick = endpoint.tick }
        let isWriting = interest.awaitsWritability && lifecycle.canWrite
        return DeadlineSweep.Stamps(
            frameBegan: lifecycle.isReceiving ? reassembly?.beganTick : nil,
            tookLast: isWriting ? queue?.value.tookLastTick : nil, saidLast: heardWithoutOutput, wasActive: activeTick,
            opened: openedTick)
    }

    /// The tick at which the peer sent something last, if receiving is all that is left of the connection.
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
        // A peer that reads nothing does not read our last messages either.
        case .writeStalled, .outputFailed, .idle: end(reason)
        default: beginClose(reason)
        }
        return false
    }
}

// SPDX-License-Identifier: Apache-2.0

// What of a connection can be late, for the one sweep of its host.

extension PipeConnection {
    /// What of this connection has a deadline that can pass. A close has its own.
    private func stamps() -> DeadlineSweep.Stamps {
        // Who is kept waiting by us is not late.
        if let partial, isHeldBack || partial.mayHoldFrames { partial.beganTick = host.tick }
        let isWriting = flags.contains(.awaitingWritability) && lifecycle.canWrite
        return DeadlineSweep.Stamps(
            frameBegan: lifecycle.isReceiving ? partial?.beganTick : nil,
            tookLast: isWriting ? queue?.value.tookLastTick : nil, wasActive: activeTick, opened: openedTick)
    }

    /// Ends the connection if a deadline has passed. Returns whether one may pass later.
    func lookAfterDeadlines() -> Bool {
        guard lifecycle.state == .open || lifecycle.state == .finished else { return false }
        let stamps = stamps()
        guard let reason = host.deadlines.overdue(stamps) else { return host.deadlines.watches(stamps) }
        switch reason {
        // Whoever takes nothing does not take last words either.
        case .writeStalled, .idle: end(reason)
        default: beginClose(reason)
        }
        return false
    }
}

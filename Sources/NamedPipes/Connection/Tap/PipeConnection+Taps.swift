// SPDX-License-Identifier: Apache-2.0

// While taps are attached, no message takes the fast path of `send`: it would pass unseen.

extension PipeConnection {
    func beginTapped() {
        state.setTapped(true)
        stopPrepaying()
    }

    /// A queue that is not prepaid stays so until it is charged for or recycled.
    func endTapped() { state.setTapped(false) }

    /// Shows a message that the queue has taken to the taps.
    @inline(never)
    func showSent(_ message: Span<UInt8>) { endpoint.taps?.watch(message, .toClient, of: self) }

    /// Sends a message of a broadcast if this connection cannot simply send its frame: an upgraded connection encodes
    /// it anew, and taps see the message itself.
    func send(_ message: Span<UInt8>, as frame: SharedBuffer) throws(PipeError) -> SendVerdict {
        if state.isUpgraded { return try send(message) }
        let verdict = try send(encoded: frame)
        if state.isTapped, verdict != .dropped { showSent(message) }
        return verdict
    }

    /// Begins the ``Configuration/idleLimit`` anew, as if something had come in or gone out. On the connection's
    /// thread.
    package func postponeIdleLimit() {
        endpoint.assertOwner()
        noteActivity()
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What one connection has carried; see ``PipeConnection/Configuration/keepsStatistics``. It receives the time as an
/// argument.
final class ConnectionTraffic {
    let openedAt: SuspendingClock.Instant
    private(set) var lastReceivedAt: SuspendingClock.Instant?
    private(set) var lastSentAt: SuspendingClock.Instant?
    private(set) var receivedMessageCount = 0
    private(set) var receivedByteCount = 0
    private(set) var sentMessageCount = 0
    private(set) var sentByteCount = 0

    init(at now: SuspendingClock.Instant) { openedAt = now }

    /// Adds the bytes of one read, and the messages that were delivered.
    func receive(_ byteCount: Int, messageCount: Int, at now: @autoclosure () -> SuspendingClock.Instant) {
        receivedByteCount &+= byteCount
        receivedMessageCount &+= messageCount
        if byteCount > 0 { lastReceivedAt = now() }
    }

    /// Adds what the kernel took.
    func send(_ byteCount: Int, messageCount: Int, at now: @autoclosure () -> SuspendingClock.Instant) {
        sentByteCount &+= byteCount
        sentMessageCount &+= messageCount
        if byteCount > 0 { lastSentAt = now() }
    }
}

extension PipeConnection {
    /// Counts a read, or messages that were carried from an earlier one. Called on the slow path only, which a
    /// connection that counts never leaves.
    @inline(__always)
    func countReceived(_ byteCount: Int, messageCount: Int) {
        guard state.isCounted else { return }
        rareIfAny?.traffic?.receive(byteCount, messageCount: messageCount, at: endpoint.reactor.now)
    }

    /// Counts a write.
    @inline(__always)
    func countSent(_ byteCount: Int, messageCount: Int) {
        guard state.isCounted else { return }
        rareIfAny?.traffic?.send(byteCount, messageCount: messageCount, at: endpoint.reactor.now)
    }
}

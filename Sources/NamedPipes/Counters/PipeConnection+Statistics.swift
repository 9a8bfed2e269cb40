// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// What one connection has carried, and what waits on it: a copy of one moment.
    ///
    /// ```swift
    /// configuration.connection.keepsStatistics = true
    /// …
    /// if let numbers = connection.statistics { print(numbers.receivedMessageCount, numbers.lastReceivedAt) }
    /// ```
    ///
    /// Times are on the clock of the reactor's timers, which stands still while the machine is suspended.
    public struct Statistics: Hashable, Sendable {
        /// When the connection was opened.
        public var openedAt: SuspendingClock.Instant

        /// When bytes were last read; nil if none were.
        public var lastReceivedAt: SuspendingClock.Instant?

        /// When the kernel last took bytes; nil if it took none.
        public var lastSentAt: SuspendingClock.Instant?

        /// The number of messages handed to the delegate. The messages of a read are added after the last of them has
        /// been delivered.
        public var receivedMessageCount = 0

        /// The number of bytes read, including what the framing puts around messages.
        public var receivedByteCount = 0

        /// The number of messages that the kernel took completely. It is not known whether the peer reads them.
        public var sentMessageCount = 0

        /// The number of bytes that the kernel took, including what the framing puts around messages.
        public var sentByteCount = 0

        /// The number of messages that wait to be sent, including one that the kernel took in part.
        public var queuedMessageCount = 0

        /// The number of bytes that wait to be sent, including what the framing puts around messages.
        public var queuedByteCount = 0

        /// The number of bytes that were read and not delivered: a partial message, or messages that wait until
        /// receiving is resumed.
        public var heldByteCount = 0

        /// As ``PipeConnection/displacedMessageCount``.
        public var displacedMessageCount = 0

        /// As ``PipeConnection/droppedMessageCount``.
        public var droppedMessageCount = 0

        /// When bytes last went in either direction, or when the connection was opened.
        public var lastActiveAt: SuspendingClock.Instant {
            max(openedAt, lastReceivedAt ?? openedAt, lastSentAt ?? openedAt)
        }

        /// Creates the statistics of a connection that has carried nothing, for tests.
        public init(openedAt: SuspendingClock.Instant) { self.openedAt = openedAt }
    }

    /// What the connection has carried; nil unless its ``Configuration/keepsStatistics``. After its end, the last
    /// numbers.
    public var statistics: Statistics? {
        endpoint.assertOwner()
        guard let traffic = rareIfAny?.traffic else { return nil }
        var statistics = Statistics(openedAt: traffic.openedAt)
        statistics.lastReceivedAt = traffic.lastReceivedAt
        statistics.lastSentAt = traffic.lastSentAt
        statistics.receivedMessageCount = traffic.receivedMessageCount
        statistics.receivedByteCount = traffic.receivedByteCount
        statistics.sentMessageCount = traffic.sentMessageCount
        statistics.sentByteCount = traffic.sentByteCount
        statistics.queuedMessageCount = queuedMessageCount
        statistics.queuedByteCount = lifecycle.state == .closed ? 0 : pendingByteCount
        statistics.heldByteCount = reassembly?.byteCount ?? 0
        statistics.displacedMessageCount = displacedMessageCount
        statistics.droppedMessageCount = droppedMessageCount
        return statistics
    }
}

extension PipeServer {
    /// The time on the clock of ``PipeConnection/Statistics``.
    package var timeOfStatistics: SuspendingClock.Instant { reactor.now }
}

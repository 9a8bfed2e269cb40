// SPDX-License-Identifier: Apache-2.0

extension PipeServer {
    /// What a server has done since it started, at one moment: the numbers fit together.
    ///
    /// ```swift
    /// let numbers = server.statistics
    /// print(numbers.openCount, numbers.closedCounts[.resetByPeer, default: 0])
    /// ```
    public struct Statistics: Hashable, Sendable {
        /// How many connections are open, or have not had their `didCloseWith` yet.
        public var openCount = 0

        /// How many connections have ended, by reason. Reasons that never occurred are left out.
        public var closedCounts: [DisconnectReason.Kind: Int] = [:]

        /// How many clients were turned away, by reason. Reasons that never occurred are left out.
        public var refusedCounts: [ConnectionRefusal: Int] = [:]

        /// How much memory the connections hold for messages that are not complete or not delivered yet, in bytes.
        public var heldByteCount = 0

        /// How much memory the connections hold for what waits to be sent, in bytes. A queue that is empty again at the
        /// end of the turn, and never was above 64 KiB, does not count.
        public var queuedByteCount = 0

        /// The most that ``queuedByteCount`` has ever been.
        public var queueHighWaterByteCount = 0

        /// How many messages were dropped because their reader was too slow;
        /// see ``PipeConnection/Configuration/slowReaderPolicy``.
        public var droppedMessageCount = 0

        /// How many messages were handed to the delegate.
        public var receivedMessageCount = 0

        /// How many bytes were read from clients, with what the framing puts around messages.
        public var receivedByteCount = 0

        /// How many messages `send` and `broadcast` have taken, one for each connection. Of these, some may still be
        /// queued, and ``unsentMessageCount`` have not left.
        public var sentMessageCount = 0

        /// How many bytes the kernel took for clients, with what the framing puts around messages.
        public var sentByteCount = 0

        /// How many messages had been taken and did not leave, or not whole, before their connection ended.
        public var unsentMessageCount = 0

        /// Nothing has happened yet.
        public init() {}

        /// How many connections have ended.
        public var closedCount: Int { closedCounts.values.reduce(0, +) }

        /// How many clients were turned away.
        public var refusedCount: Int { refusedCounts.values.reduce(0, +) }

        /// How many clients were let in: always those that are open and those that have ended.
        public var acceptedCount: Int { openCount + closedCount }
    }

    /// The numbers of this moment. A copy, which costs about a microsecond.
    public var statistics: Statistics {
        endpoint.assertOwner()
        var statistics = Statistics()
        statistics.openCount = connectionCount
        closedCounts.add(to: &statistics.closedCounts)
        refusals.counts.add(to: &statistics.refusedCounts)
        statistics.heldByteCount = endpoint.ledger.heldByteCount
        statistics.queuedByteCount = endpoint.ledger.queuedByteCount
        statistics.queueHighWaterByteCount = endpoint.ledger.queueHighWaterByteCount
        statistics.droppedMessageCount = endpoint.droppedMessageCount
        let traffic = endpoint.traffic
        statistics.receivedMessageCount = traffic.receivedMessageCount
        statistics.receivedByteCount = traffic.receivedByteCount
        statistics.sentMessageCount = traffic.acceptedMessageCount
        statistics.sentByteCount = traffic.sentByteCount
        statistics.unsentMessageCount = traffic.unsentMessageCount
        return statistics
    }

    /// How many clients of each user were turned away, wherever it is known who they were. The first 1,024 users are
    /// counted one by one, those who come later in ``statistics`` only.
    public var refusedCountsByUser: [UInt32: Int] { refusals.countsByUser }

    /// How often each user's connections met a budget of the server, for what they hold or for what was to be sent to
    /// them. The first 1,000 users are counted one by one.
    public var budgetExceededCountsByUser: [UInt32: Int] { endpoint.ledger.refusalCounts }
}

/// How often each case has occurred: an addition each, without hashing.
struct CaseCounts<Case: CaseIterable & Hashable> {
    private var counts = [Int](repeating: 0, count: Case.allCases.count)

    mutating func count(_ index: Int, _ addition: Int = 1) { counts[index] += addition }

    func add(to totals: inout [Case: Int]) {
        for (value, count) in zip(Case.allCases, counts) where count > 0 { totals[value, default: 0] += count }
    }
}

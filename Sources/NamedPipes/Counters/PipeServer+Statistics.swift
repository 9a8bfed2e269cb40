// SPDX-License-Identifier: Apache-2.0

extension PipeServer {
    /// What a server has done since it started, at one moment: the numbers fit together.
    ///
    /// ```swift
    /// let numbers = server.statistics
    /// print(numbers.openCount, numbers.closedCounts[.resetByPeer, default: 0])
    /// ```
    @dynamicMemberLookup
    public struct Statistics: Hashable, Sendable {
        /// All counters; each is a member of the statistics as well.
        public var counts = ServerCounts()

        /// How many connections have ended, by reason. Reasons that never occurred are left out.
        public var closedCounts: [DisconnectReason.Kind: Int] = [:]

        /// How many clients were turned away, by reason. Reasons that never occurred are left out.
        public var refusedCounts: [ConnectionRefusal: Int] = [:]

        /// Nothing has happened yet.
        public init() {}

        /// A counter by its name in ``ServerCounts``, such as `openCount`.
        public subscript(dynamicMember name: WritableKeyPath<ServerCounts, Int>) -> Int {
            get { counts[keyPath: name] }
            set { counts[keyPath: name] = newValue }
        }

        /// The value of a counter.
        public subscript(counter: ServerCounter) -> Int { counts[counter] }

        /// How many connections have ended.
        public var closedCount: Int { closedCounts.values.reduce(0, +) }

        /// How many clients were turned away.
        public var refusedCount: Int { refusedCounts.values.reduce(0, +) }

        /// What has happened since an earlier moment: how far totals have grown, and levels as they are now. Reasons
        /// without anything new are left out.
        public func change(since old: Statistics) -> Statistics {
            var change = Statistics()
            change.counts = counts.change(since: old.counts)
            change.closedCounts = closedCounts.growth(since: old.closedCounts)
            change.refusedCounts = refusedCounts.growth(since: old.refusedCounts)
            return change
        }
    }

    /// The numbers of this moment. A copy, which costs about a microsecond.
    public var statistics: Statistics {
        endpoint.assertOwner()
        var statistics = Statistics()
        statistics.counts = endpoint.currentCounts
        closedCounts.add(to: &statistics.closedCounts)
        refusals.counts.add(to: &statistics.refusedCounts)
        return statistics
    }

    /// How many clients of each user were turned away, wherever it is known who they were. The first 1,024 users are
    /// counted one by one, those who come later in ``statistics`` only.
    public var refusedCountsByUser: [UInt32: Int] { refusals.countsByUser }

    /// How often each user's connections met a budget of the server, for what they hold or for what was to be sent to
    /// them. The first 1,000 users are counted one by one.
    public var budgetExceededCountsByUser: [UInt32: Int] { endpoint.ledger.refusalCounts }
}

extension Dictionary where Value == Int {
    fileprivate func growth(since old: Self) -> Self {
        reduce(into: [:]) { growth, entry in
            let added = entry.value - old[entry.key, default: 0]
            if added != 0 { growth[entry.key] = added }
        }
    }
}

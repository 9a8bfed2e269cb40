// SPDX-License-Identifier: Apache-2.0

extension PipeServer {
    /// The numbers of a server since its start, all of the same moment, so that they are consistent.
    ///
    /// ```swift
    /// let numbers = server.statistics
    /// print(numbers.openCount, numbers.closedCounts[.resetByPeer, default: 0])
    /// ```
    @dynamicMemberLookup
    public struct Statistics: Hashable, Sendable {
        /// All counters; each is also a member of the statistics.
        public var counts = ServerCounts()

        /// The number of ended connections, by reason. Reasons that never occurred are absent.
        public var closedCounts: [DisconnectReason.Kind: Int] = [:]

        /// The number of refused clients, by reason. Reasons that never occurred are absent.
        public var refusedCounts: [ConnectionRefusal: Int] = [:]

        /// Creates statistics that are all zero.
        public init() {}

        /// A counter by its name in ``ServerCounts``, such as `openCount`.
        public subscript(dynamicMember name: WritableKeyPath<ServerCounts, Int>) -> Int {
            get { counts[keyPath: name] }
            set { counts[keyPath: name] = newValue }
        }

        /// The value of a counter.
        public subscript(counter: ServerCounter) -> Int { counts[counter] }

        /// The number of ended connections.
        public var closedCount: Int { closedCounts.values.reduce(0, +) }

        /// The number of refused clients.
        public var refusedCount: Int { refusedCounts.values.reduce(0, +) }

        /// The change since an earlier moment: the growth of totals, and the present levels. Reasons without anything
        /// new are absent.
        public func change(since old: Statistics) -> Statistics {
            var change = Statistics()
            change.counts = counts.change(since: old.counts)
            change.closedCounts = closedCounts.growth(since: old.closedCounts)
            change.refusedCounts = refusedCounts.growth(since: old.refusedCounts)
            return change
        }
    }

    /// The present numbers. A copy, which costs about a microsecond.
    public var statistics: Statistics {
        endpoint.assertOwner()
        var statistics = Statistics()
        statistics.counts = endpoint.currentCounts
        closedCounts.add(to: &statistics.closedCounts)
        refusals.counts.add(to: &statistics.refusedCounts)
        return statistics
    }

    /// The number of refused clients of each user, as far as the user is known. The first 1,024 users are counted one
    /// by one, later ones in ``statistics`` only.
    public var refusedCountsByUser: [UInt32: Int] { refusals.countsByUser }

    /// How often each user's connections exceeded a budget of the server, with held bytes or with messages to send. The
    /// first 1,000 users are counted one by one.
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

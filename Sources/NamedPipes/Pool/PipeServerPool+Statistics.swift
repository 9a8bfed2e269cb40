// SPDX-License-Identifier: Apache-2.0
package import PipeReactor
internal import Synchronization

extension PipeServerPool {
    /// The numbers of a pool since its start: those of each worker, and their sum.
    ///
    /// ```swift
    /// let numbers = await pool.statistics()
    /// print(numbers.openCount, numbers.workers.map(\.openCount))
    /// ```
    ///
    /// The numbers of one worker are of the same moment. Those of different workers are of moments that lie as far
    /// apart as the workers take to answer.
    @dynamicMemberLookup
    public struct Statistics: Hashable, Sendable {
        /// The sum. It includes the clients that the pool refused before they came to a worker.
        public var total = PipeServer.Statistics()

        /// The numbers of each worker.
        public var workers: [PipeServer.Statistics] = []

        /// Creates statistics of no worker.
        public init() {}

        /// A counter of the sum by its name in ``ServerCounts``, such as `openCount`.
        public subscript(dynamicMember name: KeyPath<ServerCounts, Int>) -> Int { total.counts[keyPath: name] }

        /// The number of ended connections of all workers, by reason. Reasons that never occurred are absent.
        public var closedCounts: [DisconnectReason.Kind: Int] { total.closedCounts }

        /// The number of refused clients, by reason. Reasons that never occurred are absent.
        public var refusedCounts: [ConnectionRefusal: Int] { total.refusedCounts }
    }

    /// The present numbers; after the end of the pool, the last ones. Waits for a turn of each worker.
    public func statistics() async -> Statistics { await statisticsWithLoops().0 }

    /// The present numbers, and the measurements of each worker's reactor at the same moment; nil for one that does not
    /// measure, or has ended.
    package func statisticsWithLoops() async -> (Statistics, loops: [Reactor.Statistics?]) {
        let answers = await ask { ($0.statistics, $0.reactor.statistics) }
        var statistics = Statistics()
        statistics.workers = zip(answers, workers).map { $0?.0 ?? $1.lastStatistics ?? PipeServer.Statistics() }
        for numbers in statistics.workers { statistics.total.add(numbers) }
        if let numbers = await nameStatistics() { statistics.total.add(numbers) }
        return (statistics, answers.map { $0?.1 })
    }

    /// The numbers of the server that has the name: refusals alone.
    private func nameStatistics() async -> PipeServer.Statistics? {
        let present: PipeServer.Statistics? = unsafe await withUnsafeContinuation { continuation in
            askNameServer { unsafe continuation.resume(returning: $0) }
        }
        return present ?? state.withLock { $0.lastNameStatistics }
    }
}

extension ServerCounts {
    /// Adds the counts of another server.
    mutating func add(_ other: ServerCounts) {
        for counter in ServerCounter.all { self[counter] += other[counter] }
    }
}

extension PipeServer.Statistics {
    /// Adds the numbers of another server. The largest size of the queues becomes an upper bound: the servers may have
    /// reached theirs at different times.
    mutating func add(_ other: PipeServer.Statistics) {
        counts.add(other.counts)
        closedCounts.merge(other.closedCounts, uniquingKeysWith: +)
        refusedCounts.merge(other.refusedCounts, uniquingKeysWith: +)
    }
}

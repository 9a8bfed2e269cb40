// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import NamedPipes
internal import NamedPipesRPC

/// Everything that is visible of a live server.
struct ServerReport: Encodable {
    let address: String
    let name: NameFacts
    /// The process that called listen(2), according to the kernel.
    let listener: PeerRecord
    let process: ProcessFacts?
    /// The server's own statistics, if it offers them.
    let statistics: ServerSnapshot?
    /// Whether it offers them, but not to this user; not part of the JSON.
    let hidesStatistics: Bool
    /// Since the previous report.
    var rates: ServerRates?

    private enum CodingKeys: CodingKey { case address, name, listener, process, statistics, rates }

    init(_ address: PipeAddress, _ name: NameFacts, _ peer: PeerCredentials, _ statistics: ServerSnapshot?) {
        self.address = address.description
        self.name = name
        listener = PeerRecord(peer)
        // A service manager listens on behalf of others: if the server identifies itself, its own process counts.
        process = ProcessFacts(of: statistics?.processID ?? peer.processID)
        self.statistics = statistics
        let offer = statistics == nil ? try? StatisticsEndpoint.address(beside: address) : nil
        hidesStatistics = offer.map { NameFacts(of: $0).connections != nil } ?? false
    }
}

/// The rates of counters between two reports.
struct ServerRates: Encodable, Equatable {
    /// The share of one CPU, 1 for all of it.
    let cpuShare: Double?
    let receivedMessagesPerSecond: Double?
    let receivedBytesPerSecond: Double?
    let sentMessagesPerSecond: Double?
    let sentBytesPerSecond: Double?
    let connectionsPerSecond: Double?

    init(from old: ServerReport, to new: ServerReport) {
        cpuShare = Self.rate(old.process, new.process, \.cpuSeconds, by: \.runningSeconds)
        let count = { (counter: KeyPath<ServerCounts, Int>) -> Double? in
            Self.rate(old.statistics, new.statistics, { Double($0.counts[keyPath: counter]) }, by: \.seconds)
        }
        receivedMessagesPerSecond = count(\.receivedMessageCount)
        receivedBytesPerSecond = count(\.receivedByteCount)
        sentMessagesPerSecond = count(\.sentMessageCount)
        sentBytesPerSecond = count(\.sentByteCount)
        connectionsPerSecond = count(\.acceptedCount)
    }

    private static func rate<Facts>(
        _ old: Facts?, _ new: Facts?, _ value: (Facts) -> Double, by time: (Facts) -> Double
    ) -> Double? {
        guard let old, let new, time(new) > time(old) else { return nil }
        // The numbers come from another program: infinity is not JSON.
        let rate = (value(new) - value(old)) / (time(new) - time(old))
        return rate.isFinite ? rate : nil
    }
}

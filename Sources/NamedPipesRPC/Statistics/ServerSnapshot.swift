// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// The statistics of a server at its ``StatisticsEndpoint``: `PipeServer.statistics` and those of its reactor, as
/// one value that travels as JSON.
///
/// Each `ServerCounter` is a member of the value, such as `snapshot.openCount`, and of the JSON object, under its name.
/// Later versions may add members: programs that read the JSON should ignore unknown ones, and here a counter that an
/// older server does not report is 0.
@dynamicMemberLookup
public struct ServerSnapshot: Hashable, Sendable {
    /// The server's address, as text.
    public var address: String

    /// The server's process ID.
    public var processID: Int32

    /// A steady clock in seconds, which starts when statistics are first offered. To compute rates, divide the
    /// difference of two snapshots' counts by the difference of this value.
    public var seconds: Double

    /// How the server frames its messages, as `NamedFraming.name(of:)` says; nil if the framing is the server's own, or
    /// if the server is too old to report it.
    public var framing: String?

    /// All counters.
    public var counts: ServerCounts

    /// The number of ended connections, by reason, such as `closedByPeer`: the names of `DisconnectReason.Kind`.
    public var closed: [String: Int]

    /// The number of refused clients, by reason: the names of `ConnectionRefusal`.
    public var refused: [String: Int]

    /// How promptly the loop serves its events; nil if the reactor does not measure it
    /// (`Reactor.Configuration.measuresCallbacks`).
    public var loop: Loop?

    /// The numbers of each worker of a `PipeServerPool`, all of one answer. Empty for a plain server, and if they were
    /// not asked for.
    public var workers: [Worker] = []

    /// How promptly a loop serves its events, from `Reactor.statistics`.
    public struct Loop: Codable, Hashable, Sendable {
        /// How long the last turn took, in seconds.
        public var lastLagSeconds: Double

        /// How long the longest turn took, in seconds.
        public var maximumLagSeconds: Double

        /// How many callbacks took longer than the reactor's limit.
        public var slowCallbackCount: Int

        /// The loop of a pool that is worst in each respect; nil if none is measured.
        init?(slowest loops: [Reactor.Statistics?]) {
            guard let first = loops.lazy.compactMap({ $0 }).first else { return nil }
            self.init(first)
            slowCallbackCount = 0
            for case let loop? in loops {
                lastLagSeconds = max(lastLagSeconds, loop.lastLoopLag / .seconds(1))
                maximumLagSeconds = max(maximumLagSeconds, loop.maximumLoopLag / .seconds(1))
                slowCallbackCount += loop.slowCallbackCount
            }
        }

        init(_ statistics: Reactor.Statistics) {
            lastLagSeconds = statistics.lastLoopLag / .seconds(1)
            maximumLagSeconds = statistics.maximumLoopLag / .seconds(1)
            slowCallbackCount = statistics.slowCallbackCount
        }
    }

    /// Takes the present numbers. On the server's thread.
    ///
    /// - Parameters:
    ///   - server: the server.
    ///   - processID: the ID of this process.
    ///   - time: the time since statistics were first offered.
    ///   - loop: the measurements of its reactor.
    public init(of server: PipeServer, processID: Int32, after time: Duration, loop: Reactor.Statistics? = nil) {
        let numbers = server.statistics
        address = server.address.description
        self.processID = processID
        seconds = time / .seconds(1)
        framing = NamedFraming.name(of: server.configuration.connection.framing)
        counts = numbers.counts
        closed = numbers.closedCounts.named { "\($0)" }
        refused = numbers.refusedCounts.named(\.name)
        self.loop = loop.map(Loop.init)
    }

    /// Takes the numbers of a pool: their sum, and those of each worker.
    ///
    /// - Parameters:
    ///   - pool: the pool. This waits for a turn of each of its workers' loops.
    ///   - processID: the ID of this process.
    ///   - time: the time since statistics were first offered.
    public init(of pool: PipeServerPool, processID: Int32, after time: Duration) async {
        let (numbers, loops) = await pool.statisticsWithLoops()
        address = pool.address.description
        self.processID = processID
        seconds = time / .seconds(1)
        framing = NamedFraming.name(of: pool.configuration.connection.framing)
        counts = numbers.total.counts
        closed = numbers.closedCounts.named { "\($0)" }
        refused = numbers.refusedCounts.named(\.name)
        loop = Loop(slowest: loops)
        workers = zip(numbers.workers, loops).map { Worker($0, $1) }
    }

    /// A counter by its name in `ServerCounts`, such as `openCount`.
    public subscript(dynamicMember name: WritableKeyPath<ServerCounts, Int>) -> Int {
        get { counts[keyPath: name] }
        set { counts[keyPath: name] = newValue }
    }
}

extension ServerSnapshot: Codable {
    /// Reads it from JSON or a similar format.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: SnapshotKey.self)
        address = try object.decode(String.self, forKey: .address)
        processID = try object.decode(Int32.self, forKey: .processID)
        seconds = try object.decode(Double.self, forKey: .seconds)
        framing = try object.decodeIfPresent(String.self, forKey: .framing)
        closed = try object.decode([String: Int].self, forKey: .closed)
        refused = try object.decode([String: Int].self, forKey: .refused)
        loop = try object.decodeIfPresent(Loop.self, forKey: .loop)
        workers = try object.decodeIfPresent([Worker].self, forKey: .workers) ?? []
        counts = try object.decodeCounts()
    }

    /// Writes it to JSON or a similar format.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: SnapshotKey.self)
        try object.encode(address, forKey: .address)
        try object.encode(processID, forKey: .processID)
        try object.encode(seconds, forKey: .seconds)
        try object.encodeIfPresent(framing, forKey: .framing)
        try object.encode(counts)
        try object.encode(closed, forKey: .closed)
        try object.encode(refused, forKey: .refused)
        try object.encodeIfPresent(loop, forKey: .loop)
        if !workers.isEmpty { try object.encode(workers, forKey: .workers) }
    }
}

/// The members of the JSON object, without the counters, which have their own names.
struct SnapshotKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }

    static let address = SnapshotKey(stringValue: "address")
    static let processID = SnapshotKey(stringValue: "processID")
    static let seconds = SnapshotKey(stringValue: "seconds")
    static let framing = SnapshotKey(stringValue: "framing")
    static let closed = SnapshotKey(stringValue: "closed")
    static let refused = SnapshotKey(stringValue: "refused")
    static let loop = SnapshotKey(stringValue: "loop")
    static let workers = SnapshotKey(stringValue: "workers")
}

extension KeyedDecodingContainer<SnapshotKey> {
    /// The counters; those that the other end does not know are 0.
    func decodeCounts() throws -> ServerCounts {
        var counts = ServerCounts()
        for counter in ServerCounter.all {
            counts[counter] = try decodeIfPresent(Int.self, forKey: SnapshotKey(stringValue: counter.name)) ?? 0
        }
        return counts
    }
}

extension KeyedEncodingContainer<SnapshotKey> {
    mutating func encode(_ counts: ServerCounts) throws {
        for counter in ServerCounter.all { try encode(counts[counter], forKey: SnapshotKey(stringValue: counter.name)) }
    }
}

extension Dictionary where Value == Int {
    func named(_ name: (Key) -> String) -> [String: Int] {
        reduce(into: [:]) { $0[name($1.key), default: 0] += $1.value }
    }
}

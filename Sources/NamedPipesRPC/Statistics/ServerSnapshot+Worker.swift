// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

extension ServerSnapshot {
    /// The numbers of one worker of a pool; see ``ServerSnapshot/workers``.
    ///
    /// As in a ``ServerSnapshot``, each `ServerCounter` is a member of the value and of the JSON object.
    @dynamicMemberLookup
    public struct Worker: Hashable, Sendable {
        /// All counters.
        public var counts: ServerCounts

        /// The number of ended connections, by reason.
        public var closed: [String: Int]

        /// The number of clients that this worker refused, by reason. Those that the pool refused before they came to a
        /// worker are in the sum alone.
        public var refused: [String: Int]

        /// How promptly its loop serves its events; nil if its reactor does not measure it.
        public var loop: Loop?

        init(_ numbers: PipeServer.Statistics, _ loop: Reactor.Statistics?) {
            counts = numbers.counts
            closed = numbers.closedCounts.named { "\($0)" }
            refused = numbers.refusedCounts.named(\.name)
            self.loop = loop.map(Loop.init)
        }

        /// A counter by its name in `ServerCounts`, such as `openCount`.
        public subscript(dynamicMember name: WritableKeyPath<ServerCounts, Int>) -> Int {
            get { counts[keyPath: name] }
            set { counts[keyPath: name] = newValue }
        }
    }
}

extension ServerSnapshot.Worker: Codable {
    /// Reads it from JSON or a similar format.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: SnapshotKey.self)
        counts = try object.decodeCounts()
        closed = try object.decode([String: Int].self, forKey: .closed)
        refused = try object.decode([String: Int].self, forKey: .refused)
        loop = try object.decodeIfPresent(ServerSnapshot.Loop.self, forKey: .loop)
    }

    /// Writes it to JSON or a similar format.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: SnapshotKey.self)
        try object.encode(counts)
        try object.encode(closed, forKey: .closed)
        try object.encode(refused, forKey: .refused)
        try object.encodeIfPresent(loop, forKey: .loop)
    }
}

// SPDX-License-Identifier: Apache-2.0
#if NATS
extension NATSStream {
    /// What a stream stores, and its limits. The names are NATS's own; what is not set here has the broker's default.
    public struct Configuration: Hashable, Sendable {
        /// The subjects whose messages it stores, with `*` for a word and `>` for the rest. The default is empty: the
        /// stream's name.
        public var subjects: [String] = []

        /// Where it stores them. The default is ``Storage/file``.
        public var storage = Storage.file

        /// When messages are removed. The default is ``Retention/limits``.
        public var retention = Retention.limits

        /// What happens at a limit. The default is ``Discard/new``, as publishers have to know; the broker's own
        /// default is the other.
        public var discard = Discard.new

        /// The largest number of messages. The default is nil: no limit.
        public var maxMessages: Int?

        /// The largest number of bytes. The default is nil: no limit but the broker's.
        public var maxBytes: Int?

        /// How long messages are kept. The default is nil: for ever.
        public var maxAge: Duration?

        /// On how many brokers of a cluster it is stored, 1, 3 or 5. The default is 1.
        public var replicas = 1

        /// How long it recognizes a message's ID. The default is nil: the broker's, 2 minutes.
        public var duplicateWindow: Duration?

        /// The defaults.
        public init() {}
    }

    /// Where a stream stores its messages.
    public enum Storage: String, Hashable, Sendable {
        /// On disk: they survive the broker's restart.
        case file
        /// In the broker's memory.
        case memory
    }

    /// When a stream removes messages.
    public enum Retention: String, Hashable, Sendable {
        /// At its limits only.
        case limits
        /// When all consumers have acknowledged them.
        case interest
        /// When one consumer has acknowledged them. Consumers must not overlap.
        case workQueue = "workqueue"
    }

    /// What a stream does at its limits.
    public enum Discard: String, Hashable, Sendable {
        /// It refuses new messages; see ``NATSError/streamFull(_:_:)``.
        case new
        /// It removes the oldest messages.
        case old
    }
}

extension NATSStream.Configuration {
    /// As JetStream's API has it.
    struct Wire: Encodable {
        var name = ""
        var subjects: [String]
        var retention: String
        var storage: String
        var discard: String
        var maxMessages: Int?
        var maxBytes: Int?
        /// In nanoseconds, as the next.
        var maxAge: Int64?
        var duplicateWindow: Int64?
        var replicas: Int

        enum CodingKeys: String, CodingKey {
            case name, subjects, retention, storage, discard
            case maxMessages = "max_msgs"
            case maxBytes = "max_bytes"
            case maxAge = "max_age"
            case duplicateWindow = "duplicate_window"
            case replicas = "num_replicas"
        }
    }

    var wire: Wire {
        Wire(
            subjects: subjects, retention: retention.rawValue, storage: storage.rawValue, discard: discard.rawValue,
            maxMessages: maxMessages, maxBytes: maxBytes, maxAge: maxAge?.nanoseconds,
            duplicateWindow: duplicateWindow?.nanoseconds, replicas: replicas)
    }
}

extension Duration {
    /// Whole nanoseconds, as JetStream wants them; at most 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return min(seconds, 9_000_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
#endif

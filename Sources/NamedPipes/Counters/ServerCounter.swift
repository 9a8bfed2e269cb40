// SPDX-License-Identifier: Apache-2.0

/// A number that a server keeps: its name, its unit and its meaning.
///
/// ``all`` is the only table. ``PipeServer/Statistics``, the difference between two of them, the JSON of a statistics
/// endpoint, the labels of metrics and the report of `pipectl stat` are made from it. A new counter is a property of
/// ``ServerCounts`` and a row of the table, both in this file, and the code that counts.
///
/// ```swift
/// for counter in ServerCounter.all { print(counter.name, server.statistics[counter]) }
/// ```
public struct ServerCounter: Sendable {
    /// The name of the property in ``ServerCounts``, which is also its key in JSON.
    public let name: String

    /// The label in metrics, without a prefix.
    public let metric: String

    /// The unit that it counts.
    public let unit: Unit

    /// How its value changes.
    public let kind: Kind

    /// The heading of its line in a report for people.
    public let heading: String

    /// The word that distinguishes it from others with the same heading and unit, such as `open`; empty if there is no
    /// other.
    public let word: String

    /// What it counts, in a few words.
    public let meaning: String

    /// The path to its value.
    let value: any WritableKeyPath<ServerCounts, Int> & Sendable

    private init(
        _ value: any WritableKeyPath<ServerCounts, Int> & Sendable, _ name: String, _ metric: String, _ unit: Unit,
        _ kind: Kind, _ heading: String, _ word: String, _ meaning: String
    ) {
        (self.value, self.name, self.metric, self.meaning) = (value, name, metric, meaning)
        (self.unit, self.kind, self.heading, self.word) = (unit, kind, heading, word)
    }

    /// A unit of counting.
    @nonexhaustive
    public enum Unit: Sendable {
        /// Connections, accepted or open.
        case connections
        /// Whole messages.
        case messages
        /// Bytes, including headers.
        case bytes
    }

    /// How a value changes.
    @nonexhaustive
    public enum Kind: Sendable {
        /// It only grows.
        case total
        /// It only grows, and stays 0 as long as all goes well.
        case loss
        /// It rises and falls.
        case level
    }

    /// All counters, in the order of a report.
    public static let all = [
        ServerCounter(
            \.openCount, "openCount", "connections_open", .connections, .level, "connections", "open",
            "connections that are open"),
        ServerCounter(
            \.acceptedCount, "acceptedCount", "connections_accepted", .connections, .total, "connections", "accepted",
            "clients that were admitted"),
        ServerCounter(
            \.receivedMessageCount, "receivedMessageCount", "messages_received", .messages, .total, "received", "",
            "messages handed to the delegate"),
        ServerCounter(
            \.receivedByteCount, "receivedByteCount", "bytes_received", .bytes, .total, "received", "",
            "bytes read, including what the framing adds"),
        ServerCounter(
            \.takenMessageCount, "takenMessageCount", "messages_taken", .messages, .total, "taken", "",
            "messages accepted by `send`"),
        ServerCounter(
            \.sentMessageCount, "sentMessageCount", "messages_sent", .messages, .total, "sent", "",
            "messages that the kernel took completely"),
        ServerCounter(
            \.sentByteCount, "sentByteCount", "bytes_sent", .bytes, .total, "sent", "",
            "bytes that the kernel took, including what the framing adds"),
        ServerCounter(
            \.queuedMessageCount, "queuedMessageCount", "queued_messages", .messages, .level, "queued", "",
            "messages taken and not sent yet"),
        ServerCounter(
            \.unsentMessageCount, "unsentMessageCount", "messages_unsent", .messages, .loss, "lost", "unsent",
            "messages taken, lost before one byte reached the kernel"),
        ServerCounter(
            \.partlySentMessageCount, "partlySentMessageCount", "messages_partly_sent", .messages, .loss, "lost",
            "partly sent",
            "messages taken, lost when the kernel had a part"),
        ServerCounter(
            \.displacedMessageCount, "displacedMessageCount", "messages_displaced", .messages, .loss, "lost",
            "displaced",
            "messages taken, displaced by later ones"),
        ServerCounter(
            \.droppedMessageCount, "droppedMessageCount", "messages_dropped", .messages, .loss, "lost", "dropped",
            "messages dropped instead of being taken"),
        ServerCounter(
            \.heldByteCount, "heldByteCount", "held_bytes", .bytes, .level, "memory", "held",
            "memory for messages that are not delivered yet"),
        ServerCounter(
            \.queuedByteCount, "queuedByteCount", "queued_bytes", .bytes, .level, "memory", "queued",
            "memory for messages that wait to be sent"),
        ServerCounter(
            \.queueHighWaterByteCount, "queueHighWaterByteCount", "queue_high_water_bytes", .bytes, .level, "memory",
            "queued at most",
            "the largest size of the queues so far"),
    ]
}

/// The values of all ``ServerCounter``s at one moment. At any moment, even inside callbacks:
///
/// - ``acceptedCount`` = ``openCount`` + the connections that have ended;
/// - ``takenMessageCount`` = ``queuedMessageCount`` + ``sentMessageCount`` + ``unsentMessageCount`` +
///   ``partlySentMessageCount`` + ``displacedMessageCount``.
///
/// A message to several connections counts once for each of them.
public struct ServerCounts: Hashable, Sendable {
    // A server or client has one of these for counting. Most counters are updated once for each read, write or burst;
    // only `taken` is for each message. Numbers that are known elsewhere (held, queued) are filled in on request.

    /// The number of connections that have not had their `didCloseWith` yet.
    public var openCount = 0

    /// The number of admitted clients.
    public var acceptedCount = 0

    /// The number of messages handed to the delegate.
    public var receivedMessageCount = 0

    /// The number of bytes read, including what the framing puts around messages.
    public var receivedByteCount = 0

    /// The number of messages that `send` and `broadcast` have accepted. The following counters contain their fates.
    public var takenMessageCount = 0

    /// The number of messages that the kernel took completely. It is not known whether the peer reads them.
    public var sentMessageCount = 0

    /// The number of bytes that the kernel took, including what the framing puts around messages.
    public var sentByteCount = 0

    /// The number of messages that wait to be sent, including one that the kernel took in part.
    public var queuedMessageCount = 0

    /// The number of messages that had been taken, and whose connection ended or lost its output before one byte of
    /// them reached the kernel: certainly not delivered.
    public var unsentMessageCount = 0

    /// The number of messages that had been taken, and whose connection ended or lost its output after the kernel had
    /// taken a part: certainly not delivered whole. At most one for each connection.
    public var partlySentMessageCount = 0

    /// The number of messages that had been taken and were displaced by later ones, because their reader was too slow;
    /// see ``PipeConnection/SlowReaderPolicy``.
    public var displacedMessageCount = 0

    /// The number of messages that were never taken, because their reader was too slow and the policy says to drop
    /// them. Messages that `send` refuses with an error are not included.
    public var droppedMessageCount = 0

    /// The memory that the connections hold for partial or undelivered messages, in bytes.
    public var heldByteCount = 0

    /// The memory that the connections hold for messages that wait to be sent, in bytes. A queue that is empty again at
    /// the end of the turn, and never exceeded 64 KiB, does not count.
    public var queuedByteCount = 0

    /// The largest value of ``queuedByteCount`` so far.
    public var queueHighWaterByteCount = 0

    /// Creates counts that are all zero.
    public init() {}

    /// The value of a counter.
    public subscript(counter: ServerCounter) -> Int {
        get { self[keyPath: counter.value] }
        set { self[keyPath: counter.value] = newValue }
    }

    /// The change since an earlier moment: the growth of totals and losses, and the present levels.
    public func change(since old: ServerCounts) -> ServerCounts {
        var change = self
        for counter in ServerCounter.all where counter.kind != .level { change[counter] -= old[counter] }
        return change
    }
}

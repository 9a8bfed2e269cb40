// SPDX-License-Identifier: Apache-2.0

/// A number that a server keeps: its name, its unit and its meaning.
///
/// ``all`` is the one table. ``PipeServer/Statistics``, the difference between two of them, the JSON of a statistics
/// endpoint, the labels of metrics and the report of `pipectl stat` are made from it. A new counter is a property of
/// ``ServerCounts`` and a row of the table, both in this file, and the places that count.
///
/// ```swift
/// for counter in ServerCounter.all { print(counter.name, server.statistics[counter]) }
/// ```
public struct ServerCounter: Sendable {
    /// The name of the property in ``ServerCounts``, which is its key in JSON, too.
    public let name: String

    /// The label in metrics, without a prefix.
    public let metric: String

    /// What one of it is.
    public let unit: Unit

    /// How it moves.
    public let kind: Kind

    /// The heading of the line where a report for people shows it.
    public let heading: String

    /// What tells it from others of its heading and unit, such as `open`; empty where it is the only one.
    public let word: String

    /// What it counts, in a few words.
    public let meaning: String

    /// Where its value is.
    let value: any WritableKeyPath<ServerCounts, Int> & Sendable

    private init(
        _ value: any WritableKeyPath<ServerCounts, Int> & Sendable, _ name: String, _ metric: String, _ unit: Unit,
        _ kind: Kind, _ heading: String, _ word: String, _ meaning: String
    ) {
        (self.value, self.name, self.metric, self.meaning) = (value, name, metric, meaning)
        (self.unit, self.kind, self.heading, self.word) = (unit, kind, heading, word)
    }

    /// What is counted.
    @nonexhaustive
    public enum Unit: Sendable {
        /// Connections, accepted or open.
        case connections
        /// Whole messages.
        case messages
        /// Bytes, headers included.
        case bytes
    }

    /// How a number moves.
    @nonexhaustive
    public enum Kind: Sendable {
        /// It only grows.
        case total
        /// It only grows, and stays 0 while all goes well.
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
            "clients that were let in"),
        ServerCounter(
            \.receivedMessageCount, "receivedMessageCount", "messages_received", .messages, .total, "received", "",
            "messages handed to the delegate"),
        ServerCounter(
            \.receivedByteCount, "receivedByteCount", "bytes_received", .bytes, .total, "received", "",
            "bytes read, with what the framing adds"),
        ServerCounter(
            \.takenMessageCount, "takenMessageCount", "messages_taken", .messages, .total, "taken", "",
            "messages accepted by `send`"),
        ServerCounter(
            \.sentMessageCount, "sentMessageCount", "messages_sent", .messages, .total, "sent", "",
            "messages that the kernel took whole"),
        ServerCounter(
            \.sentByteCount, "sentByteCount", "bytes_sent", .bytes, .total, "sent", "",
            "bytes that the kernel took, with what the framing adds"),
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
            "messages taken, dropped for later ones"),
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
            "the most that was ever queued"),
    ]
}

/// The values of all ``ServerCounter``s at one moment. At any moment, inside callbacks, too:
///
/// - ``acceptedCount`` = ``openCount`` + the connections that have ended;
/// - ``takenMessageCount`` = ``queuedMessageCount`` + ``sentMessageCount`` + ``unsentMessageCount`` +
///   ``partlySentMessageCount`` + ``displacedMessageCount``.
///
/// A message to several connections counts once for each of them.
public struct ServerCounts: Hashable, Sendable {
    // A server or client has one of these, in which it counts: added to once for each read, write or burst, and only
    // what is taken once for each message. Numbers known elsewhere (held, queued) are filled in on request.

    /// How many connections are open, or have not had their `didCloseWith` yet.
    public var openCount = 0

    /// How many clients were let in.
    public var acceptedCount = 0

    /// How many messages were handed to the delegate.
    public var receivedMessageCount = 0

    /// How many bytes were read, with what the framing puts around messages.
    public var receivedByteCount = 0

    /// How many messages `send` and `broadcast` have accepted. What became of them is in the counters that follow.
    public var takenMessageCount = 0

    /// How many messages the kernel took whole. Whether the peer reads them cannot be known.
    public var sentMessageCount = 0

    /// How many bytes the kernel took, with what the framing puts around messages.
    public var sentByteCount = 0

    /// How many messages wait to be sent, also where the kernel took a part of one.
    public var queuedMessageCount = 0

    /// How many messages had been taken, and their connection ended or its output failed before one byte of them
    /// reached the kernel: certainly not delivered.
    public var unsentMessageCount = 0

    /// How many messages had been taken, and their connection ended or its output failed after the kernel had taken a
    /// part: certainly not delivered whole. At most one for each connection.
    public var partlySentMessageCount = 0

    /// How many messages had been taken and were dropped for later ones, because their reader was too slow; see
    /// ``PipeConnection/SlowReaderPolicy``.
    public var displacedMessageCount = 0

    /// How many messages were never taken, because their reader was too slow and the policy says to drop them. What
    /// `send` refuses with an error is not among them.
    public var droppedMessageCount = 0

    /// How much memory the connections hold for messages that are not complete or not delivered yet, in bytes.
    public var heldByteCount = 0

    /// How much memory the connections hold for what waits to be sent, in bytes. A queue that is empty again at the end
    /// of the turn, and never was above 64 KiB, does not count.
    public var queuedByteCount = 0

    /// The most that ``queuedByteCount`` has ever been.
    public var queueHighWaterByteCount = 0

    /// Nothing has happened yet.
    public init() {}

    /// The value of a counter.
    public subscript(counter: ServerCounter) -> Int {
        get { self[keyPath: counter.value] }
        set { self[keyPath: counter.value] = newValue }
    }

    /// What has happened since an earlier moment: how far totals and losses have grown, and levels as they are now.
    public func change(since old: ServerCounts) -> ServerCounts {
        var change = self
        for counter in ServerCounter.all where counter.kind != .level { change[counter] -= old[counter] }
        return change
    }
}

// SPDX-License-Identifier: Apache-2.0
#if NATS
extension NATSDelivery {
    /// What the broker says of a delivery.
    public struct Facts: Hashable, Sendable {
        /// The subject to which the message was published.
        public let subject: String

        /// The message's number in the stream; the first message has 1.
        public let streamSequence: UInt64

        /// The number of the delivery for its consumer. Each delivery of a message has another.
        public let consumerSequence: UInt64

        /// How often the message has been delivered, this time included.
        public let deliveryCount: Int

        /// When the message was stored, in nanoseconds since 1970 (UTC).
        public let timestamp: Int64

        /// How many messages the consumer was still to deliver for the first time, after this one.
        public let pendingCount: Int

        /// Whether the message was delivered before: a handler failed, or its process ended, or it took too long.
        public var isRedelivered: Bool { deliveryCount > 1 }
    }
}

extension NATSDelivery.Facts {
    /// Parses the reply subject of a delivery:
    /// `$JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.DELIVERIES.STREAM-SEQ.CONSUMER-SEQ.TIME.PENDING[.RANDOM]`. The words
    /// for a domain come from newer brokers, and all three together (ADR-15).
    ///
    /// - Parameter reply: ending in zero.
    init?(subject: String, reply: [UInt8]) {
        let words = reply.dropLast().split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard words.count > 2, words[0].elementsEqual("$JS".utf8), words[1].elementsEqual("ACK".utf8) else {
            return nil
        }
        let start: Int
        switch words.count {
        case 9: start = 4
        case 11...: start = 6
        default: return nil
        }
        let numbers = words[start..<start + 5].map { Int64(String(decoding: $0, as: UTF8.self)) ?? -1 }
        guard numbers.allSatisfy({ $0 >= 0 }) else { return nil }
        self.init(
            subject: subject, streamSequence: UInt64(numbers[1]), consumerSequence: UInt64(numbers[2]),
            deliveryCount: Int(numbers[0]), timestamp: numbers[3], pendingCount: Int(numbers[4]))
    }
}
#endif

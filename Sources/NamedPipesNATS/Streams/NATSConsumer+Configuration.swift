// SPDX-License-Identifier: Apache-2.0
#if NATS
extension NATSConsumer {
    /// How a consumer gets messages. The names are NATS's own. All processes of a consumer need the same values, except
    /// for those that the broker does not know, which come last.
    public struct Configuration: Hashable, Sendable {
        /// With which message a new consumer begins. The default is ``DeliverPolicy/all``.
        public var deliverPolicy = DeliverPolicy.all

        /// The subject of the messages that it gets, with wildcards. The default is nil: all of the stream.
        public var filterSubject: String?

        /// How long a delivery may remain unsettled before the message is delivered again. The default is 30 s.
        public var ackWait = Duration.seconds(30)

        /// How often a message is delivered at most. The broker then keeps it, delivers it no more, and says so at
        /// `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES`. The default is nil: no limit.
        public var maxDeliver: Int?

        /// How many deliveries may be unsettled in all processes together. The default is 1000.
        public var maxAckPending = 1000

        /// How many deliveries may be unsettled or under way in this process: the most that one pull asks for. The
        /// default is 64. All of them have to be settled within ``ackWait``, so use few if handlers are slow.
        public var batch = 64

        /// How a delivery is settled. The default is ``Settlement/onReturn``.
        public var settlement = Settlement.onReturn

        /// When a message is delivered again after its handler has thrown an error. The default is 1 s.
        public var delayAfterError = Duration.seconds(1)

        /// The defaults.
        public init() {}
    }

    /// With which message a consumer begins.
    public enum DeliverPolicy: String, Hashable, Sendable {
        /// The oldest of the stream.
        case all
        /// The first that comes after the consumer was created.
        case new
        /// The newest of the stream.
        case last
    }

    /// How a delivery is settled.
    public enum Settlement: Hashable, Sendable {
        /// The handler's end: a return acknowledges, an error rejects. What the handler has settled itself stays so.
        case onReturn
        /// Your code, with the methods of ``NATSDelivery``, at any time. An error of the handler rejects.
        case explicit
    }
}

extension NATSConsumer.Configuration {
    /// A request to create a consumer, as JetStream's API has it.
    struct Wire: Encodable {
        struct Consumer: Encodable {
            var name: String
            var ackPolicy = "explicit"
            var deliverPolicy: String
            var filterSubject: String?
            /// In nanoseconds.
            var ackWait: Int64
            var maxDeliver: Int
            var maxAckPending: Int

            enum CodingKeys: String, CodingKey {
                case name = "durable_name"
                case ackPolicy = "ack_policy"
                case deliverPolicy = "deliver_policy"
                case filterSubject = "filter_subject"
                case ackWait = "ack_wait"
                case maxDeliver = "max_deliver"
                case maxAckPending = "max_ack_pending"
            }
        }

        var stream: String
        var consumer: Consumer

        enum CodingKeys: String, CodingKey {
            case stream = "stream_name"
            case consumer = "config"
        }
    }

    func wire(_ name: String, of stream: String) -> Wire {
        Wire(
            stream: stream,
            consumer: .init(
                name: name, deliverPolicy: deliverPolicy.rawValue, filterSubject: filterSubject,
                ackWait: ackWait.nanoseconds, maxDeliver: maxDeliver ?? -1, maxAckPending: maxAckPending))
    }
}
#endif

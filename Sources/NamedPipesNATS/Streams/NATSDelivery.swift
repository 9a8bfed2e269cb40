// SPDX-License-Identifier: Apache-2.0
#if NATS
/// One delivery of a message, which its handler settles: by returning or throwing, or explicitly.
///
/// It belongs to its reactor's thread. A delivery that is never settled comes again after
/// ``NATSConsumer/Configuration/ackWait``.
public final class NATSDelivery {
    /// What the broker says of it.
    public let facts: Facts

    /// Whether it has been acknowledged, rejected or terminated.
    public private(set) var isSettled = false

    private let consumer: NATSConsumer
    private let message: BrokerMessage
    /// Where verdicts go, ending in zero.
    private let reply: [UInt8]

    init(_ consumer: NATSConsumer, _ facts: Facts, _ message: consuming BrokerMessage, _ reply: [UInt8]) {
        self.consumer = consumer
        self.facts = facts
        self.message = message
        self.reply = reply
    }

    deinit { if !isSettled { consumer.didSettle() } }

    /// The message's bytes. A handler gets them as a span, which costs no copy.
    public var content: [UInt8] { message.content }

    /// The value of a header of the message, if there is one.
    public func header(_ name: String) -> String? { message.header(name) }

    func withContent(_ body: (Span<UInt8>) throws -> Void) throws { try message.withContent(body) }

    // MARK: Verdicts

    // The broker does not confirm them. One that is lost with the connection makes the message come again.

    /// The message was handled: it is not delivered again (`+ACK`). Does nothing if the delivery is settled.
    public func acknowledge() { settle("+ACK") }

    /// The message was not handled: it is delivered again, here or elsewhere (`-NAK`). Does nothing if the delivery is
    /// settled.
    ///
    /// - Parameter delay: when it may be delivered again. The default is at once.
    public func reject(after delay: Duration = .zero) {
        settle(delay > .zero ? "-NAK {\"delay\":\(delay.nanoseconds)}" : "-NAK")
    }

    /// The message can never be handled: it is not delivered again (`+TERM`). Does nothing if the delivery is settled.
    public func terminate() { settle("+TERM") }

    /// The handler is still at it: ``NATSConsumer/Configuration/ackWait`` begins again (`+WPI`). Does nothing if the
    /// delivery is settled.
    public func keepWorking() { if !isSettled { consumer.send(Self.workingVerdict, to: reply) } }

    /// What is not sent later: without a connection, the broker delivers the message again anyway.
    static let workingVerdict = "+WPI"

    private func settle(_ verdict: String) {
        guard !isSettled else { return }
        isSettled = true
        consumer.send(verdict, to: reply)
        consumer.didSettle()
    }
}

@available(*, unavailable, message: "a delivery belongs to its reactor's thread")
extension NATSDelivery: Sendable {}
#endif

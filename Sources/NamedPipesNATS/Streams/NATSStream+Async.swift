// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes
public import PipeReactor

extension NATSStream {
    /// Consumes the stream's messages with an `async` handler, up to ``NATSConsumer/Configuration/batch`` at a time.
    ///
    /// ```swift
    /// try orders.handleMessages(as: "billing") { message, facts in try await bill(message) }
    /// ```
    ///
    /// A return acknowledges the message, an error makes it come again. So does a handler that takes longer than
    /// ``NATSConsumer/Configuration/ackWait``, beside which it then runs a second time.
    ///
    /// - Parameters:
    ///   - name: the consumer's, at the broker; see ``consume(as:configuration:_:)``.
    ///   - configuration: its ``NATSConsumer/Configuration/settlement`` has no effect.
    ///   - handler: called in a task of its own, which prefers the reactor's thread.
    /// - Throws: ``NATSError/invalidName(_:)`` or ``NATSError/closed``.
    @discardableResult
    public func handleMessages(
        as name: String, configuration: NATSConsumer.Configuration = NATSConsumer.Configuration(),
        _ handler: @escaping @Sendable (_ message: [UInt8], _ facts: NATSDelivery.Facts) async throws -> Void
    ) throws(NATSError) -> NATSConsumer {
        var configuration = configuration
        configuration.settlement = .explicit
        let executor = link.reactor.executor
        weak var consumer: NATSConsumer?
        let made = try consume(as: name, configuration: configuration) { content, delivery in
            let (content, facts) = ([UInt8](copying: content), delivery.facts)
            // Used on the reactor's thread only, as the task is.
            nonisolated(unsafe) let (delivery, consumer) = (delivery, consumer)
            Task(executorPreference: executor) {
                do {
                    try await handler(content, facts)
                    unsafe delivery.acknowledge()
                } catch {
                    unsafe consumer?.reject(delivery, for: error)
                }
            }
        }
        consumer = made
        return made
    }
}

extension ReactorReference where Object == NATSLink {
    /// Publishes a message to a stream, from any task, and waits for the broker's verdict.
    ///
    /// ```swift
    /// let receipt = try await link.reference.publish(order, to: "orders.new", in: "orders")
    /// ```
    ///
    /// - Parameters:
    ///   - message: its bytes.
    ///   - subject: one of the stream's subjects. The default is nil: the stream's name.
    ///   - stream: the stream's name.
    ///   - id: what identifies the message when it is published again. The default is nil: a random text.
    ///   - timeout: how long to wait for the verdict. The default is 5 s.
    /// - Returns: where it is stored.
    /// - Throws: as `NATSStream.publish`; ``NATSError/closed`` if the link or its reactor is gone; `CancellationError`,
    ///   after which the message may be stored or not.
    @discardableResult
    public func publish(
        _ message: [UInt8], to subject: String? = nil, in stream: String, id: String? = nil,
        timeout: Duration = .seconds(5)
    ) async throws -> NATSStream.Receipt {
        do {
            return try await outcome { link, report throws(NATSError) in
                try link.stream(stream).beginPublishing(message, to: subject, id: id, timeout: timeout) {
                    report($0.mapError { $0 })
                }
            }
        } catch NATSError.closed where Task.isCancelled {
            throw CancellationError()
        }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipesRPC
internal import PipeReactor

/// A durable consumer of a stream: made by ``NATSStream/consume(as:configuration:_:)``.
///
/// The broker remembers for each name of a consumer which messages are acknowledged. All processes that consume under
/// the same name share the messages: each goes to one of them, and to another one if that does not acknowledge it.
///
/// It pulls: it asks for no more messages than ``Configuration/batch`` before the earlier ones are settled, so a slow
/// handler leaves messages in the stream. It belongs to its reactor's thread. The link retains it until ``stop()``.
public final class NATSConsumer {
    /// The stream.
    public let stream: NATSStream

    /// The consumer's name at the broker (`durable_name`).
    public let name: String

    /// The configuration.
    public let configuration: Configuration

    /// Called from the loop if the consumer ends by itself: the stream does not exist, the consumer was deleted, or the
    /// broker refuses it. The default does nothing.
    public var onEnd: (NATSError) -> Void = { _ in }

    /// Called from the loop with an error that a handler has thrown. The default does nothing.
    public var onHandlerError: (any Error) -> Void = { _ in }

    /// Called once from the loop, when the consumer exists at the broker. The default does nothing.
    public var onStart: () -> Void = {}

    /// How many deliveries are unsettled here.
    public private(set) var unsettledCount = 0

    /// Whether it has ended, by itself or with ``stop()``.
    public var isStopped: Bool { phase == .stopped }

    typealias Handler = (Span<UInt8>, NATSDelivery) throws -> Void

    private enum Phase {
        /// The link is not connected.
        case waiting
        /// The broker has been asked to create it, if it does not exist.
        case creating
        /// The next tick asks the broker again.
        case retrying
        case started
        case stopped
    }

    private var phase = Phase.waiting
    private var pull = PullState()
    /// Nil once the consumer has ended: it may hold deliveries, which refer to the consumer.
    private var handler: Handler?
    private let inbox: String
    private let interval: Duration
    private var listening: BrokerListening?
    private var timer: ScheduledWork?
    private var isScheduled = false
    private var hasStarted = false
    /// Verdicts of a time without a connection.
    private var unsentVerdicts: [(verdict: String, reply: [UInt8])] = []

    init(
        _ stream: NATSStream, _ name: String, _ configuration: Configuration, _ handler: @escaping Handler
    ) throws(NATSError) {
        precondition(configuration.batch > 0, "a consumer that has room for no message")
        guard NATSStream.isName(name) else { throw .invalidName(name) }
        self.stream = stream
        self.name = name
        self.configuration = configuration
        self.handler = handler
        let link = stream.link
        inbox = "\(link.inbox)pull.\(SessionToken.random())"
        interval = max(link.configuration.sessionTimeout / 2, .milliseconds(100))
        timer = link.reactor.schedule(after: interval, repeating: interval) { [weak self] in self?.tick() }
    }

    /// Asks for no more messages. Handlers that run may go on, and settle their deliveries while the link is open.
    ///
    /// What has been asked for and has not been handled goes to the other processes: at once if it has reached this
    /// one, otherwise after ``Configuration/ackWait`` at the latest.
    public func stop() {
        guard phase != .stopped else { return }
        phase = .stopped
        timer?.cancel()
        unsentVerdicts = []
        handler = nil
        let link = stream.link
        link.listeners[ObjectIdentifier(self)] = nil
        guard let listening = listening.take() else { return }
        link.leave(listening) { [unowned link] message in
            // A status has no reply subject.
            if !message.reply.isEmpty { link.publish(Array("-NAK".utf8), to: message.reply) }
        }
    }

    private func end(_ error: NATSError) {
        guard phase != .stopped else { return }
        stop()
        onEnd(error)
    }

    // MARK: Starting

    /// Creates it at the broker, unless it exists with the same configuration.
    private func start() {
        phase = .creating
        do throws(NATSError) {
            let call = try StreamCall(
                stream, api: "CONSUMER.DURABLE.CREATE.\(stream.name).\(name)",
                configuration.wire(name, of: stream.name))
            try call.start(timeout: max(interval, .seconds(5))) {
                [weak self] (reply: Result<StreamCall.Done, NATSError>) in self?.didStart(reply)
            }
        } catch {
            end(error)
        }
    }

    private func didStart(_ reply: Result<StreamCall.Done, NATSError>) {
        guard phase == .creating else { return }
        switch reply {
        case .success:
            phase = .started
            if !hasStarted { onStart() }
            hasStarted = true
            pullMore()
        case .failure(let error) where error.isPassing || (hasStarted && error.isPassingLater): phase = .retrying
        // The link's owner has closed it, and ends everything with it.
        case .failure(.closed): break
        case .failure(let error): end(error)
        }
    }

    private func tick() {
        if phase == .retrying { return start() }
        if phase == .started { perform(pull.tick()) }
    }

    private func perform(_ action: PullState.Action) {
        switch action {
        case .nothing: break
        case .pull: pullMore()
        case .startAgain: start()
        case .end(let error): end(error)
        }
    }

    // MARK: Pulling

    /// Asks for as many messages as there is room for.
    private func pullMore() {
        guard phase == .started, stream.link.line != nil, pull.begin(room: configuration.batch - unsettledCount) else {
            return
        }
        let lifetime = max(interval * 4, .seconds(30)).nanoseconds
        let request =
            #"{"batch":\#(pull.awaitedCount),"expires":\#(lifetime),"idle_heartbeat":\#(interval.nanoseconds)}"#
        stream.link.publish(
            Array(request.utf8), to: Array("$JS.API.CONSUMER.MSG.NEXT.\(stream.name).\(name)".utf8) + [0],
            reply: Array("\(inbox).\(pull.number)".utf8) + [0])
    }

    private func receive(_ message: consuming BrokerMessage) {
        let (subject, reply) = (message.subject, message.reply)
        guard reply.isEmpty else {
            // Only the broker's deliveries have this form. Any other message was sent here by mistake.
            guard let facts = NATSDelivery.Facts(subject: subject, reply: reply) else { return }
            pull.receiveMessage()
            return handle(NATSDelivery(self, facts, message, reply))
        }
        guard let code = message.header("Status").flatMap({ Int($0) }) else { return }
        let status = PullStatus(code: code, text: message.header("Description") ?? "")
        perform(pull.receive(status, of: UInt64(subject.dropFirst(inbox.count + 1)), consumer: name))
    }

    private func handle(_ delivery: NATSDelivery) {
        unsettledCount += 1
        guard let handler else { return }
        do {
            try delivery.withContent { try handler($0, delivery) }
            if configuration.settlement == .onReturn { delivery.acknowledge() }
        } catch {
            reject(delivery, for: error)
        }
    }

    /// A handler has failed.
    func reject(_ delivery: NATSDelivery, for error: any Error) {
        delivery.reject(after: configuration.delayAfterError)
        onHandlerError(error)
    }

    // MARK: Settling

    func send(_ verdict: String, to reply: [UInt8]) {
        if stream.link.line != nil {
            stream.link.publish(Array(verdict.utf8), to: reply)
        } else if phase != .stopped, verdict != NATSDelivery.workingVerdict {
            unsentVerdicts.append((verdict, reply))
        }
    }

    /// There is room for another message. What one turn settles is asked for together.
    func didSettle() {
        unsettledCount -= 1
        guard phase == .started, !isScheduled else { return }
        isScheduled = true
        stream.link.reactor.runAtEndOfTurn(self)
    }
}

extension NATSConsumer: TurnWork {
    /// Asks for what has become free in this turn.
    package func runInTurn() {
        isScheduled = false
        pullMore()
    }
}

extension NATSConsumer: LinkListener {
    func subscribe(on line: BrokerLine) throws(NATSError) {
        listening = BrokerListening(try line.connection.subscribe(to: "\(inbox).*"))
        pull.forget()
        for (verdict, reply) in unsentVerdicts { send(verdict, to: reply) }
        unsentVerdicts = []
        // A creation that was under way is sent again by itself.
        if phase != .creating { start() }
    }

    func receive(on line: BrokerLine) {
        while stream.link.line === line, let message = listening?.next() { receive(message) }
    }

    func linkWillEnd() { stop() }

    func linkDidEnd() { stop() }
}

extension NATSStream {
    /// Consumes the stream's messages, together with all other consumers of the same name.
    ///
    /// ```swift
    /// try orders.consume(as: "billing") { message, delivery in
    ///     if delivery.facts.isRedelivered { print("again: \(delivery.facts.streamSequence)") }
    ///     try bill(message)
    /// }
    /// ```
    ///
    /// Each message is delivered at least once: a handler has to bear a message that comes again. It waits for the
    /// link, and goes on when the link is connected again. The stream has to exist; see ``create(_:timeout:_:)``.
    ///
    /// - Parameters:
    ///   - name: the consumer's, at the broker: letters, digits, `-` and `_`.
    ///   - configuration: the default acknowledges when the handler returns.
    ///   - handler: called from the loop, with the message's bytes for the time of the call. An error that it throws
    ///     makes the message come again.
    /// - Throws: ``NATSError/invalidName(_:)`` or ``NATSError/closed``.
    @discardableResult
    public func consume(
        as name: String, configuration: NATSConsumer.Configuration = NATSConsumer.Configuration(),
        _ handler: @escaping (Span<UInt8>, NATSDelivery) throws -> Void
    ) throws(NATSError) -> NATSConsumer {
        guard link.state != .closed else { throw .closed }
        let consumer = try NATSConsumer(self, name, configuration, handler)
        link.add(consumer)
        return consumer
    }
}

@available(*, unavailable, message: "a consumer belongs to its reactor's thread")
extension NATSConsumer: Sendable {}
#endif

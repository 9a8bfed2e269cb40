// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes
public import PipeReactor

/// One connection to a NATS broker, which carries any number of sessions for one reactor.
///
/// ```swift
/// let link = try NATSLink(servers: ["nats://10.0.0.1:4222"], reactor: reactor)
/// let server = try PipeServer(listeningOn: link.name("echo"), admitting: .everyone, delegate: Echo())
/// reactor.run()
/// ```
///
/// It connects by itself, from the moment it is made, and again whenever the connection is lost: to one of its servers
/// in random order, after a delay that grows and is partly random. Servers and clients may be made at once; they wait.
/// When the connection is lost, all sessions end with `SessionLoss.linkLost`, because bytes that were on the way may
/// be lost.
///
/// The reactor retains the link until ``close()``, or until the reactor stops. It belongs to its reactor's thread;
/// other threads hold its ``reference``.
public final class NATSLink {
    /// The state of a link.
    public enum State: Hashable, Sendable {
        /// Connecting for the first time, or again.
        case connecting
        /// Connected to this server.
        case connected(String)
        /// Not connected, for this reason. The next attempt comes after the delay.
        case waiting(after: Duration, NATSError)
        /// ``NATSLink/close()`` was called.
        case closed
    }

    /// What a link reports.
    @nonexhaustive
    public enum Event: Hashable, Sendable {
        /// The state has changed.
        case state(State)
        /// The broker refused something, such as the use of a subject. The connection goes on.
        case refused(NATSError)
    }

    /// The brokers, as URLs.
    public let servers: [String]

    /// The configuration.
    public let configuration: Configuration

    /// The present state.
    public internal(set) var state = State.connecting

    /// Whether ``close()`` is complete: the broker has read everything, or takes nothing any more.
    public var isClosed: Bool { hasEnded }

    /// Called on the reactor's thread, in a later turn than the cause.
    public var onEvent: (Event) -> Void = { _ in }

    let reactor: Reactor
    private var key: UInt64 = 0

    // Connecting.
    var line: BrokerLine?
    var attemptNumber: UInt64 = 0
    var retry: ScheduledWork?
    var backoff: Backoff
    var connectionBegin: SuspendingClock.Instant?
    private var events: [Event] = []

    // What uses the connection.
    var sessions = SessionTable()
    var listeners: [ObjectIdentifier: any LinkListener] = [:]
    /// The requests that wait for the link, or for their answers.
    var requests: [SessionToken: PendingRequest] = [:]
    var lastRequestNumber: UInt64 = 0
    /// What waits until the broker has read all that was sent before; see ``whenReadByBroker(_:)``.
    var readMarks: [SessionToken: () -> Void] = [:]
    /// The inbox of the link without a session's token, ending in a dot.
    let inbox: String

    private var isScheduled = false
    private var hasEnded = false

    /// Makes a link, which connects in the background.
    ///
    /// - Parameters:
    ///   - servers: URLs of brokers of one cluster, such as `nats://10.0.0.1:4222` or `tls://nats.example.com`.
    ///   - configuration: the default logs in without credentials and without TLS.
    ///   - reactor: the loop that it runs on.
    /// - Throws: ``NATSError/invalidServer(_:)`` or ``NATSError/invalidConfiguration(_:)``. A broker that does not
    ///   answer is no error here: see ``state``.
    public init(
        servers: [String], configuration: Configuration = Configuration(), reactor: Reactor
    ) throws(NATSError) {
        _ = try BrokerOptions(servers, configuration)
        self.servers = servers
        self.configuration = configuration
        self.reactor = reactor
        inbox = "\(configuration.inboxPrefix).\(SessionToken.random())."
        backoff = Backoff(
            initialDelay: configuration.reconnectionDelay, maximumDelay: configuration.maximumReconnectionDelay)
        key = reactor.registry.insert(self)
        connect()
    }

    /// A reference that other threads may hold: `link.reference.perform { $0.close() }`.
    public var reference: ReactorReference<NATSLink> { ReactorReference(reactor.executor, key: key) }

    /// Ends the connection to the broker, and with it all sessions that are left. What they have queued in the link is
    /// still written, for as long as the broker takes some of it within ``Configuration/sessionTimeout`` and the
    /// reactor runs. The event ``State/closed`` comes when the broker has read everything.
    ///
    /// Stop servers and disconnect clients before, and let the loop run until they report their end, so that no session
    /// is lost.
    public func close() {
        guard state != .closed else { return }
        retry?.cancel()
        attemptNumber += 1
        state = .closed
        for dial in sessions.dials { dial.linkDidFail(.closed) }
        for session in sessions.open { session.end(.linkLost) }
        for request in requestsInOrder { request.fail(NATSError.closed) }
        for listener in listeners.values { listener.linkWillEnd() }
        flush()
        finishWriting()
    }

    /// Writes what is left, then waits for the broker to close, which it does once it has read everything; or until it
    /// takes nothing any more. To close first could lose it: the kernel drops what the broker has not read if we have
    /// not read what the broker has sent.
    private func finishWriting() {
        guard let line else { return end() }
        let count = line.unwrittenByteCount
        line.onWritten = { [unowned line] in line.finishWriting() }
        if count == 0 { line.finishWriting() }
        retry = reactor.schedule(after: configuration.sessionTimeout) { [unowned self] in
            if line.unwrittenByteCount < count { finishWriting() } else { end() }
        }
    }

    /// The last step of ``close()``.
    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        retry?.cancel()
        readMarks = [:]
        line.take()?.end()
        for listener in listeners.values { listener.linkDidEnd() }
        // They refer to the link.
        listeners = [:]
        report(.state(.closed))
        reactor.registry.remove(key)
    }

    // MARK: Reports

    func change(to state: State) {
        guard state != self.state else { return }
        self.state = state
        report(.state(state))
    }

    func report(_ event: Event) {
        events.append(event)
        schedule()
    }

    func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        reactor.runAtEndOfTurn(self)
    }
}

extension NATSLink: TurnWork {
    /// Writes what the turn has published, and reports what has changed.
    package func runInTurn() {
        isScheduled = false
        flush()
        let events = events
        self.events = []
        for event in events { onEvent(event) }
    }
}

extension NATSLink: Registered {
    /// Servers and clients stop by themselves, and their sessions say so to the other ends: the link waits for them.
    package func reactorDidStop() {
        if state == .closed { return end() }
        for listener in listeners.values { listener.linkDidEnd() }
        if sessions.isEmpty && listeners.isEmpty { close() }
    }
}

@available(*, unavailable, message: "a link belongs to its reactor's thread; other threads hold its reference")
extension NATSLink: Sendable {}
#endif

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
public import PipeReactor

/// Connects to a server's name, and stays connected if it is told to.
///
/// ```swift
/// let client = PipeClient(address: try .runtime("echo"), reactor: reactor, delegate: delegate)
/// client.connect()
/// reactor.run()
/// ```
///
/// The reactor holds the client while it is connected or trying. It belongs to its reactor's thread; other threads hold
/// its ``reference``.
public final class PipeClient {
    /// Where a client stands. Every change is reported to the delegate.
    public enum State: Hashable, Sendable {
        /// Not connected and not trying.
        case idle
        /// Trying, or about to try again because the server's queue is full.
        case connecting
        /// There is no server; the client is waiting for one.
        case waitingForServer
        /// Connected.
        case connected
        /// The connection was lost; the next attempt comes after the delay.
        case waitingToReconnect(after: Duration)
        /// ``PipeClient/disconnect()`` has been carried out. The client is done.
        case disconnected
    }

    /// The name that it connects to.
    public let address: PipeAddress

    /// Where it stands.
    public internal(set) var state = State.idle

    /// The connection, while there is one.
    public internal(set) var connection: PipeConnection?

    let reactor: Reactor
    let configuration: Configuration
    let requiredPeer: AccessPolicy
    let endpoint: Endpoint
    var delegate: (any PipeClientDelegate)?
    private var key: UInt64 = 0
    private var isScheduled = false

    // What the next turn of the loop is to do.
    private var reports: [Report] = []
    var isAttemptDue = false

    // While it is trying.
    var attempt: ConnectAttempt?
    var deadline: TimeLimit?
    var retry: ScheduledWork?
    var watch: ServerWatch?

    /// Connects instead of a socket, in tests: nil where the server's queue is full.
    package var dial: Dial?
    package typealias Dial = (PipeAddress) throws(SystemError) -> (transport: any PipeTransport, peer: PeerCredentials)?

    // Between connections.
    var backoff: Backoff?
    var failedAttemptCount = 0
    var openedAt: SuspendingClock.Instant?
    @safe @exclusivity(unchecked) var kept = KeptMessages()
    var generator = SystemRandomNumberGenerator()

    /// Makes a client. Nothing happens until ``connect()``.
    ///
    /// - Parameters:
    ///   - address: the server's name.
    ///   - configuration: the default is a 4-byte length framing, 5 s to connect, no waiting and no reconnection.
    ///   - reactor: the loop that it lives on.
    ///   - delegate: where everything arrives; held until the client is disconnected.
    public init(
        address: PipeAddress, configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeClientDelegate
    ) {
        self.address = address
        self.configuration = configuration
        requiredPeer = configuration.requiredPeer ?? (address.isInRuntimeDirectory ? .ownUserOrRoot : .anyUser)
        self.reactor = reactor
        self.delegate = delegate
        endpoint = Endpoint(reactor, configuration.connection, delegate)
        backoff = configuration.reconnection.map(Backoff.init)
        unsafe endpoint.owner = self
        key = reactor.registry.insert(IdleClient(self))
    }

    /// What other threads may hold, for as long as the client lives: `client.reference.perform { $0.disconnect() }`.
    public var reference: ReactorReference<PipeClient> { ReactorReference(reactor.executor, key: key) }

    // MARK: Connecting

    /// Starts to connect, from the loop. Without effect if the client is connected, trying, or disconnected.
    ///
    /// Inside `didCloseWith`, it begins when that has returned.
    public func connect() {
        endpoint.assertOwner()
        guard state == .idle else {
            wantsToConnect = state == .connected && connection == nil
            return
        }
        reactor.registry.replace(key, with: self)
        backoff?.reset()
        failedAttemptCount = 0
        beginAttempt()
    }

    /// Ends the connection as ``PipeConnection/close()`` does, or stops trying. The client is done then: it reports
    /// ``State/disconnected`` and lets go of its delegate. Messages that were kept for a next connection are dropped;
    /// ``keptMessageCount`` says how many there are.
    public func disconnect() {
        endpoint.assertOwner()
        guard state != .disconnected else { return }
        endAttempt()
        backoff = nil
        isDisconnecting = true
        if let connection {
            connection.close()
        } else {
            change(to: .disconnected)
        }
    }

    var isDisconnecting = false

    /// ``connect()`` was called while the end of the last connection was being told.
    var wantsToConnect = false

    /// What the delegate has not heard yet.
    private enum Report {
        case state(State)
        case failure(PipeError)
        case failedAttempt(PipeError)
    }

    // MARK: Sending

    /// Sends one message on the connection; without one, keeps it if ``Configuration/unsentMessages`` says so.
    ///
    /// - Returns: whether there is room for more.
    /// - Throws: as ``PipeConnection/send(_:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: Span<UInt8>) throws(PipeError) -> PipeConnection.SendVerdict {
        endpoint.assertOwner()
        if let connection, connection.isOpen { return try connection.send(message) }
        guard configuration.unsentMessages == .keep, state != .disconnected, !isDisconnecting else {
            throw .notConnected
        }
        return try kept.keep(message, behind: connection?.pendingByteCount ?? 0, endpoint)
    }

    /// Sends one message; see ``send(_:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: [UInt8]) throws(PipeError) -> PipeConnection.SendVerdict { try send(message.span) }

    /// Sends the UTF-8 bytes of a text; see ``send(_:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: String) throws(PipeError) -> PipeConnection.SendVerdict { try send(message.utf8.span) }

    /// Sends a message that is kept; see ``send(_:)-(Span<UInt8>)``. A large one leaves from where it lies if there is a
    /// connection; what has to wait for one is copied.
    @discardableResult
    public func send(_ message: PipeMessage) throws(PipeError) -> PipeConnection.SendVerdict {
        if let connection, connection.isOpen { return try connection.send(message) }
        return try message.withBytes { bytes throws(PipeError) in try send(bytes) }
    }

    /// How many messages are kept for the next connection.
    public var keptMessageCount: Int { kept.messageCount(endpoint.framing) }

    deinit {
        // Before the ledger that they are charged in.
        kept.drop()
        reactor.registry.remove(key)
        // A connection that has ended may outlive its client, in the hands of the delegate that it refers to.
        endpoint.delegate = nil
        unsafe endpoint.owner = nil
    }
}

// MARK: - States and their reports

extension PipeClient: TurnWork, Registered {
    /// Notes a change. It is reported from the loop, never inside a call of the owner.
    func change(to state: State) {
        guard self.state != state else { return }
        self.state = state
        reports.append(.state(state))
        schedule()
    }

    func fail(_ error: PipeError) {
        endAttempt()
        change(to: .idle)
        reports.append(.failure(error))
        schedule()
    }

    func tell(ofFailedAttempt error: PipeError) {
        reports.append(.failedAttempt(error))
        schedule()
    }

    func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        reactor.runAtEndOfTurn(self)
    }

    package func runInTurn() {
        isScheduled = false
        deliverReports()
        if isAttemptDue {
            isAttemptDue = false
            tryToConnect()
        }
        guard reports.isEmpty, !isAttemptDue else { return }
        if state == .idle { stayRegisteredWhileIdle() }
        if state == .disconnected { letGo() }
    }

    func deliverReports() {
        let pending = reports
        reports = []
        for report in pending {
            switch report {
            case .state(let state): delegate?.client(self, didChangeTo: state)
            case .failure(let error): delegate?.client(self, didFailToConnectWith: error)
            case .failedAttempt(let error): delegate?.client(self, didFailToReconnectWith: error)
            }
        }
    }

    package func reactorDidStop() {
        disconnect()
        connection?.end(.closedLocally)
    }

    private func letGo() {
        delegate = nil
        endpoint.delegate = nil
        kept.drop()
        reactor.registry.remove(key)
    }

    /// The reactor no longer holds the client, but tells it if it stops: a delegate that holds its client would otherwise
    /// keep both alive for ever.
    private func stayRegisteredWhileIdle() {
        reactor.registry.replace(key, with: IdleClient(self))
    }

    private final class IdleClient: Registered, StandIn {
        private weak var client: PipeClient?

        init(_ client: PipeClient) { self.client = client }

        var original: AnyObject? { client }

        func reactorDidStop() { client?.reactorDidStop() }
    }
}

extension Backoff {
    init(_ reconnection: PipeClient.Reconnection) {
        self.init(
            initialDelay: reconnection.initialDelay, maximumDelay: reconnection.maximumDelay,
            multiplier: reconnection.multiplier, jitter: reconnection.jitter)
    }
}

@available(*, unavailable, message: "a client belongs to its reactor's thread; other threads hold its reference")
extension PipeClient: Sendable {}

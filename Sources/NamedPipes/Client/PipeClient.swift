// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
public import PipeReactor

/// Connects to a server's name, and reconnects if configured to.
///
/// ```swift
/// let client = PipeClient(address: try .runtime("echo"), reactor: reactor, delegate: delegate)
/// client.connect()
/// reactor.run()
/// ```
///
/// The reactor retains the client while it is connected or trying. It belongs to its reactor's thread; other threads
/// hold its ``reference``.
public final class PipeClient {
    /// The state of a client. Every change is reported to the delegate.
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
        /// ``PipeClient/disconnect()`` is complete. The client is not used again.
        case disconnected
    }

    /// The name that it connects to; for a client that starts a program, the program's name.
    public let address: PipeAddress

    /// The program that it starts in place of connecting to a name.
    let command: PipeCommand?

    let configuration: Configuration
    let endpoint: Endpoint
    private(set) var delegate: (any PipeClientDelegate)?
    private var key: UInt64 = 0

    // Unchecked, like the messages below: nothing is called while they change, and `send` reads them for each message.
    @safe @exclusivity(unchecked) var lifecycle: ClientLifecycle<PipeConnection>
    var triggers = AttemptTriggers()
    @safe @exclusivity(unchecked) var kept = KeptMessages()

    /// The counts when the present connection was made.
    var countsAtConnect = ServerCounts()

    // Work for the next turn of the loop, besides an attempt that is due.
    var reports = ClientReports()
    private var isScheduled = false

    /// Connects in place of a socket: through memory in tests, or through a broker.
    package var dial: Dial?
    package typealias Dial = (PipeAddress) throws(SystemError) -> DialOutcome

    /// Makes a client. Nothing happens until ``connect()``.
    ///
    /// - Parameters:
    ///   - address: the server's name.
    ///   - configuration: the default is a 4-byte length framing, 5 s to connect, no waiting and no reconnection.
    ///   - reactor: the loop that it runs on.
    ///   - delegate: receives all callbacks; retained until the client is disconnected.
    public convenience init(
        address: PipeAddress, configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeClientDelegate
    ) {
        self.init(address, nil, configuration, reactor, delegate)
    }

    init(
        _ address: PipeAddress, _ command: PipeCommand?, _ configuration: Configuration, _ reactor: Reactor,
        _ delegate: any PipeClientDelegate
    ) {
        self.address = address
        self.command = command
        self.configuration = configuration
        self.delegate = delegate
        lifecycle = ClientLifecycle(
            address, waitsForServer: configuration.waitsForServer, configuration.reconnection)
        endpoint = Endpoint(reactor, configuration.connection, delegate)
        unsafe endpoint.owner = self
        key = reactor.registry.insert(IdleClient(self))
    }

    /// A reference that other threads may hold while the client lives: `client.reference.perform { $0.disconnect() }`.
    public var reference: ReactorReference<PipeClient> { ReactorReference(reactor.executor, key: key) }

    /// The present state.
    public var state: State { lifecycle.state }

    /// The connection, while there is one.
    public var connection: PipeConnection? { lifecycle.connection }

    var reactor: Reactor { endpoint.reactor }

    // MARK: Connecting

    /// Starts to connect, from the loop. Has no effect if the client is connected, trying, or disconnected.
    ///
    /// Called inside `didCloseWith`, it takes effect when that has returned.
    public func connect() {
        endpoint.assertOwner()
        perform(lifecycle.connect())
    }

    /// Ends the connection as ``PipeConnection/close()`` does, or stops trying. Afterwards the client cannot be used
    /// again: it reports ``State/disconnected`` and releases its delegate. Messages that were kept for a next
    /// connection are dropped; ``keptMessageCount`` is their number.
    public func disconnect() {
        endpoint.assertOwner()
        perform(lifecycle.disconnect())
    }

    deinit {
        // Before the ledger to which they are charged.
        kept.drop()
        reactor.registry.remove(key)
        // A connection that has ended may outlive its client, if the delegate that it refers to retains it.
        endpoint.delegate = nil
        unsafe endpoint.owner = nil
    }
}

// MARK: - At the end of the turn

extension PipeClient: TurnWork {
    func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        reactor.runAtEndOfTurn(self)
    }

    package func runInTurn() {
        isScheduled = false
        deliverReports()
        if lifecycle.isAttemptDue { tryToConnect() }
        guard reports.isEmpty, !lifecycle.isAttemptDue else { return }
        switch lifecycle.phase {
        case .idle: stayRegisteredWhileIdle()
        case .ended: letGo()
        case .attempting, .waitingToConnect, .connected, .ending, .waitingToReconnect, .disconnecting: break
        }
    }

    func deliverReports() {
        for report in reports.takeAll() {
            switch report {
            case .state(let state): delegate?.client(self, didChangeTo: state)
            case .failure(let error): delegate?.client(self, didFailToConnectWith: error)
            case .failedAttempt(let error): delegate?.client(self, didFailToReconnectWith: error)
            }
        }
    }
}

// MARK: - Ownership

extension PipeClient: Registered {
    /// The reactor retains the client from now on.
    func stayRegistered() { reactor.registry.replace(key, with: self) }

    /// The reactor no longer retains the client, but tells it when it stops: otherwise a delegate that retains its
    /// client would keep both alive for ever.
    private func stayRegisteredWhileIdle() { reactor.registry.replace(key, with: IdleClient(self)) }

    private func letGo() {
        delegate = nil
        endpoint.delegate = nil
        kept.drop()
        reactor.registry.remove(key)
    }

    package func reactorDidStop() {
        disconnect()
        guard let connection else { return }
        connection.end(.closedLocally)
        connection.rareIfAny?.child?.abandon()
        connection.schedule()
    }

    private final class IdleClient: Registered, StandIn {
        private weak var client: PipeClient?

        init(_ client: PipeClient) { self.client = client }

        var original: AnyObject? { client }

        func reactorDidStop() { client?.reactorDidStop() }
    }
}

@available(*, unavailable, message: "a client belongs to its reactor's thread; other threads hold its reference")
extension PipeClient: Sendable {}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
public import PipeReactor

/// Holds a name and serves all clients that connect to it, on one reactor.
///
/// ```swift
/// final class Echo: PipeServerDelegate {
///     func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
///         _ = try? connection.send(message)
///     }
/// }
///
/// let reactor = try Reactor()
/// let server = try PipeServer(listeningOn: .runtime("echo"), reactor: reactor, delegate: Echo())
/// reactor.run()
/// ```
///
/// The reactor retains the server until it has stopped, so you need not keep a reference. A server belongs to its
/// reactor's thread; other threads hold its ``reference``.
public final class PipeServer {
    /// The name that clients connect to.
    public let address: PipeAddress

    /// The settings. Changed with ``reconfigure(_:)``.
    public private(set) var configuration: Configuration

    let endpoint: Endpoint
    private(set) var delegate: (any PipeServerDelegate)?
    /// Nil for a server of its own.
    let part: PoolPart?
    private var key: UInt64 = 0

    var nameState: NameState
    var lifecycle = ServerLifecycle()
    var grace = ShutdownGrace()

    // Decisions about clients, and their outcomes. Unchecked: a check for overlapping accesses costs more than
    // counting.
    @safe @exclusivity(unchecked) var admission: Admission
    var refusals = RefusalLedger()
    @safe @exclusivity(unchecked) private(set) var closedCounts = CaseCounts<DisconnectReason.Kind>()

    /// Publishes the name and listens. When this returns, clients can connect; they are accepted once the loop runs.
    ///
    /// A name that a killed server left behind is taken over; a live server's name only if the configuration says so.
    ///
    /// - Parameters:
    ///   - address: the name to take.
    ///   - configuration: the default is a 4-byte length framing and a name for this user only.
    ///   - reactor: the loop that serves it.
    ///   - delegate: receives all callbacks; retained until the server has stopped.
    /// - Throws: ``PipeError/addressInUse(_:holder:)``, ``PipeError/takeOverTimedOut(_:holder:)``,
    ///   ``PipeError/unusableLocation(path:_:)``, ``PipeError/policyNeedsIdentity(_:)`` for a FIFO, or
    ///   ``PipeError/system(_:)``. If it throws, nothing is left behind.
    public convenience init(
        listeningOn address: PipeAddress, configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeServerDelegate
    ) throws(PipeError) {
        self.init(address, configuration, reactor, delegate, .closed)
        if address.kind == .fifo {
            try openFIFO()
        } else {
            nameState.entrance = .socket(try listen(at: .publish(address, configuration.nameClaim)))
        }
        register()
        reportSkippedFrames()
    }

    /// Serves a socket that the service manager has made; see ``InheritedListener``.
    ///
    /// The settings for the name (permissions, backlog, taking over) are the manager's, so those of the configuration
    /// are ignored. At the end the name stays, and clients wait in the queue for the program's next start.
    ///
    /// - Parameters:
    ///   - listener: the socket; it makes one server. If this throws, it can be used again.
    ///   - configuration: the default is a 4-byte length framing.
    ///   - reactor: the loop that serves it.
    ///   - delegate: receives all callbacks; retained until the server has stopped.
    /// - Throws: ``PipeError/system(_:)``, or ``PipeError/inheritedListener(_:)`` for a listener that has its server
    ///   already.
    public convenience init(
        inheriting listener: InheritedListener, configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeServerDelegate
    ) throws(PipeError) {
        try self.init(inheriting: [listener], configuration: configuration, reactor: reactor, delegate: delegate)
    }

    /// Makes a server without a name: it serves the connections that ``adopt(_:)`` gives it, with the same limits and
    /// callbacks as a server that listens.
    ///
    /// The configuration's settings for the name (permissions, backlog, taking over) are ignored.
    ///
    /// - Parameters:
    ///   - address: the value of ``address``, for logs and people. Nothing is made there.
    ///   - configuration: the default is a 4-byte length framing and connections of this user only.
    ///   - reactor: the loop that serves it.
    ///   - delegate: receives all callbacks; retained until the server has stopped.
    public convenience init(
        adoptingFor address: PipeAddress, configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeServerDelegate
    ) {
        self.init(address, configuration, reactor, delegate, .noSocket)
        register()
    }

    /// The common part of all inits. ``register()`` follows.
    ///
    /// - Parameters:
    ///   - ledger: nil for one of the server's own.
    ///   - part: nil for a server that belongs to no pool.
    init(
        _ address: PipeAddress, _ configuration: Configuration, _ reactor: Reactor, _ delegate: any PipeServerDelegate,
        _ entrance: NameState.Entrance, _ ledger: ByteLedger? = nil, _ part: PoolPart? = nil
    ) {
        self.address = address
        self.configuration = configuration
        self.delegate = delegate
        self.part = part
        endpoint = Endpoint(
            reactor, address.kind == .fifo ? configuration.connection.skippingBadFrames : configuration.connection,
            delegate, ledger ?? ByteLedger(configuration),
            byteShare: configuration.effectiveByteBudgetPerConnection)
        admission = Admission(
            configuration, ownUserID: CurrentProcess.userID, descriptorLimit: CurrentProcess.descriptorLimit)
        nameState = NameState(entrance)
        unsafe endpoint.owner = self
    }

    /// The last step of an init that succeeds: from now on the reactor retains the server.
    func register() { key = reactor.registry.insert(self) }

    /// Replaces the delegate, before the first connection.
    func setDelegate(_ delegate: any PipeServerDelegate) {
        self.delegate = delegate
        endpoint.setDelegate(delegate)
    }

    /// Replaces the configuration. The caller has the parts follow that have decided by it.
    func change(_ configuration: Configuration) { self.configuration = configuration }

    func listen(at name: PublishedName) throws(PipeError) -> Listener {
        do {
            if configuration.connection.lacksPassRights, let socket = name.listener {
                try DescriptorRefusal.allow(socket)
            }
            let listener = try Listener(
                reactor, name, acceptsPerTurn: configuration.acceptsPerTurn,
                acceptsDescriptors: endpoint.letsDescriptorsThrough, owner: self)
            monitor(name)
            return listener
        } catch {
            name.giveBack()
            throw .system(error)
        }
    }

    /// A reference that other threads may hold: `server.reference.perform { $0.stop() }`.
    public var reference: ReactorReference<PipeServer> { ReactorReference(reactor.executor, key: key) }

    var reactor: Reactor { endpoint.reactor }

    package var framing: any MessageFraming { endpoint.framing }

    /// Whether the server has its name and accepts clients. A server without a name has this until it is told to stop.
    public var isListening: Bool { nameState.isOpen }

    // MARK: Connections

    /// The number of connections that have not had their `didCloseWith` yet.
    public var connectionCount: Int { endpoint.traffic.openCount }

    /// The connections that have not had their `didCloseWith`, in no particular order. A copy: later events do not
    /// change it.
    public var connections: [PipeConnection] {
        endpoint.assertOwner()
        var found: [PipeConnection] = []
        found.reserveCapacity(connectionCount)
        endpoint.forEachConnection { found.append($0) }
        return found
    }

    /// The connection of this server with this identifier, or nil once it has ended.
    public subscript(id: PipeConnection.ID) -> PipeConnection? {
        guard let found = reactor.registry[id.rawValue] as? PipeConnection, found.endpoint === endpoint else {
            return nil
        }
        return found
    }

    /// Makes the last callback, and releases the server from the reactor and the connections.
    func tellOfStop() {
        let delegate = delegate
        self.delegate = nil
        delegate?.serverDidStop(self)
        endpoint.delegate = nil
        endpoint.taps = nil
        reactor.registry.remove(key)
        tellPoolOfStop()
    }

    deinit {
        // A connection that has ended may outlive its server, if the embedder retains it.
        unsafe endpoint.owner = nil
        grace.limit?.cancel()
    }

    // MARK: Accepting

    /// The last step of admitting a client.
    func open(_ connection: PipeConnection, with unread: [UInt8] = []) {
        endpoint.traffic.openCount &+= 1
        endpoint.traffic.acceptedCount &+= 1
        connection.begin(with: unread)
    }
}

extension PipeServer: ConnectionOwner {
    func connectionDidFailSending(_ connection: PipeConnection, unsent: SendQueueSlot) {}

    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueueSlot?) {
        guard lifecycle.isStopping else { return }
        lifecycle.connectionEnded(
            reason.kind, unsent: connection.unsentMessageCount, hasPartlySent: connection.hasPartlySentMessage)
    }

    var keptByteCharge: Int { 0 }

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason) {
        endpoint.traffic.openCount &-= 1
        closedCounts.count(reason.kind.rawValue)
        giveBackPlace(of: connection.peer)
        if lifecycle.isServing { nameState.door?.connectionDidEnd(reason) }
        finishStopping()
    }
}

@available(*, unavailable, message: "a server belongs to its reactor's thread; other threads hold its reference")
extension PipeServer: Sendable {}

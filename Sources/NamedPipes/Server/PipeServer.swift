// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
public import PipeReactor

/// Holds a name and serves all who connect to it, on one reactor.
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
/// The reactor holds the server until it has stopped, so the variable may be dropped. A server belongs to its reactor's
/// thread; other threads hold its ``reference``.
public final class PipeServer {
    /// The name that clients connect to.
    public let address: PipeAddress

    let reactor: Reactor
    let configuration: Configuration
    let endpoint: Endpoint
    private(set) var delegate: (any PipeServerDelegate)?
    var listener: Listener?
    var naming = NameState()
    private var key: UInt64 = 0
    private var state: State = .listening
    private var grace: (end: SuspendingClock.Instant, limit: TimeLimit)?
    /// Nothing that goes on is given any more time.
    private(set) var isGraceOver = false
    /// Called then, once. Whoever sets it is waited for after the connections have ended, and calls ``endGrace()``.
    var onGraceEnd: (() -> Void)?
    private var shutdownAccount: ShutdownAccount?

    /// What became of messages and connections since the server was told to stop; nil before `serverDidStop`.
    public private(set) var shutdownReport: ShutdownReport?

    private enum State {
        case listening
        /// The name is given up; connections end one by one.
        case stopping
        /// The delegate has heard of it, or is about to in this turn.
        case stopped
    }

    /// How many connections are open, or have not had their `didCloseWith` yet.
    public var connectionCount: Int { endpoint.traffic.openCount }
    // Unchecked, because a check for overlapping accesses costs more than counting.
    @safe @exclusivity(unchecked) private(set) var closedCounts = CaseCounts<DisconnectReason.Kind>()
    @safe @exclusivity(unchecked) var admission: Admission
    var refusals = RefusalLedger()

    /// Publishes the name and listens. When this returns, clients can connect; they are accepted once the loop runs.
    ///
    /// A name that a killed server left behind is taken over; a live server's only if the configuration says so.
    ///
    /// - Parameters:
    ///   - address: the name to take.
    ///   - configuration: the default is a 4-byte length framing and a name for this user only.
    ///   - reactor: the loop that serves it.
    ///   - delegate: where everything arrives; held until the server has stopped.
    /// - Throws: ``PipeError/addressInUse(_:holder:)``, ``PipeError/takeOverTimedOut(_:holder:)``,
    ///   ``PipeError/unusableLocation(path:_:)`` or ``PipeError/system(_:)``. Nothing is left behind then.
    public convenience init(
        listeningOn address: PipeAddress, configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeServerDelegate
    ) throws(PipeError) {
        try self.init(address, configuration, reactor, delegate) { () throws(PipeError) in
            try .publish(address, configuration.nameClaim)
        }
    }

    /// Serves a socket that the service manager has made; see ``InheritedListener``.
    ///
    /// What a configuration says about the name (permissions, backlog, taking over) is the manager's to decide and is
    /// ignored. At the end the name stays, and clients wait in the queue for the program's next start.
    ///
    /// - Parameters:
    ///   - listener: the socket; it makes one server. If this throws, it can be tried again.
    ///   - configuration: the default is a 4-byte length framing.
    ///   - reactor: the loop that serves it.
    ///   - delegate: where everything arrives; held until the server has stopped.
    /// - Throws: ``PipeError/system(_:)``, or ``PipeError/inheritedListener(_:)`` for a listener that has its server already.
    public convenience init(
        inheriting listener: InheritedListener, configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeServerDelegate
    ) throws(PipeError) {
        try self.init(listener.address, configuration, reactor, delegate) { () throws(PipeError) in
            try PublishedName(listener)
        }
    }

    /// Makes a server that has no socket; whoever calls ``admit(_:from:)`` is its listener.
    package convenience init(
        withoutSocketAt address: PipeAddress, configuration: Configuration, reactor: Reactor,
        delegate: any PipeServerDelegate
    ) throws(PipeError) {
        try self.init(address, configuration, reactor, delegate, nil)
    }

    private init(
        _ address: PipeAddress, _ configuration: Configuration, _ reactor: Reactor, _ delegate: any PipeServerDelegate,
        _ makeName: (() throws(PipeError) -> PublishedName)?
    ) throws(PipeError) {
        self.address = address
        self.reactor = reactor
        self.configuration = configuration
        self.delegate = delegate
        endpoint = Endpoint(
            reactor, configuration.connection, delegate,
            ByteLedger(limit: configuration.byteBudget, limitPerUser: configuration.effectiveByteBudgetPerUser),
            byteShare: configuration.effectiveByteBudgetPerConnection)
        admission = Admission(
            configuration, ownUserID: CurrentProcess.userID, descriptorLimit: CurrentProcess.descriptorLimit)
        hasSocket = makeName != nil
        if let makeName { listener = try listen(at: makeName()) }
        unsafe endpoint.owner = self
        key = reactor.registry.insert(self)
    }

    func listen(at name: PublishedName) throws(PipeError) -> Listener {
        do {
            if configuration.connection.lacksPassRights, let socket = name.listener {
                try DescriptorRefusal.allow(socket)
            }
            let listener = try Listener(
                reactor, name, acceptsPerTurn: configuration.acceptsPerTurn,
                acceptsDescriptors: endpoint.acceptsDescriptors, owner: self)
            keep(name)
            return listener
        } catch {
            name.giveBack()
            throw .system(error)
        }
    }

    /// What other threads may hold: `server.reference.perform { $0.stop() }`.
    public var reference: ReactorReference<PipeServer> { ReactorReference(reactor.executor, key: key) }

    var framing: any MessageFraming { endpoint.framing }

    /// Whether the name is held and clients are accepted.
    public var isListening: Bool { hasSocket ? listener != nil : state == .listening }
    private let hasSocket: Bool

    /// Whether the server has stopped, and every connection has had its `didCloseWith`.
    public var isStopped: Bool { state == .stopped }

    // MARK: Connections

    /// The connections that have not had their `didCloseWith`, in no particular order. A copy: what happens meanwhile does not change it.
    public var connections: [PipeConnection] {
        endpoint.assertOwner()
        var found: [PipeConnection] = []
        found.reserveCapacity(connectionCount)
        endpoint.forEachConnection { found.append($0) }
        return found
    }

    /// The connection of this server that has the name, or nil once it has ended.
    public subscript(id: PipeConnection.ID) -> PipeConnection? {
        guard let found = reactor.registry[id.rawValue] as? PipeConnection, found.endpoint === endpoint else {
            return nil
        }
        return found
    }

    // MARK: Stopping

    /// Gives the name up and ends every connection now; what is queued is dropped, and each connection says how much
    /// that was. Any number of times, also after ``stop(gracePeriod:)`` to cut it short.
    ///
    /// The `didCloseWith` of the connections follow, with ``DisconnectReason/serverStopped``, then `serverDidStop`.
    /// Clients that were not accepted yet are reset, with nothing of theirs read, and may connect to a successor.
    public func stop() {
        endpoint.assertOwner()
        beginStopping()
        let open = connections.filter { $0.lifecycle.state != .closed }
        shutdownAccount?.force(open.count)
        for connection in open { connection.end(.serverStopped) }
        guard !isGraceOver else { return }
        isGraceOver = true
        onGraceEnd?()
    }

    /// Nobody is waited for any more.
    func endGrace() {
        grace?.limit.cancel()
        grace = nil
        onGraceEnd = nil
    }

    /// Gives the name up, delivers what has arrived, sends what is queued, and closes each connection as it gets there.
    ///
    /// A connection whose receiving is paused waits for its resumption. Any number of times: of several graces, the one
    /// that ends first counts.
    ///
    /// - Parameter grace: the time that this may take. Connections that are still open then are ended as by ``stop()``.
    public func stop(gracePeriod grace: Duration) {
        endpoint.assertOwner()
        switch state {
        case .listening:
            beginStopping()
            for connection in connections { connection.drain() }
        case .stopping, .stopped:
            // Without a grace that is running, nothing goes on that could be given less time.
            guard self.grace != nil, !isGraceOver else { return }
        }
        limitDraining(to: grace)
    }

    /// Ends everything when a grace is over, unless an earlier one is running.
    func limitDraining(to duration: Duration) {
        let duration = max(duration, .zero)
        let end = reactor.now + duration
        if let grace, grace.end <= end { return }
        grace?.limit.cancel()
        grace = (end, reactor.limit(duration) { [unowned self] in stop() })
    }

    private func beginStopping() {
        guard state == .listening else { return }
        state = .stopping
        shutdownAccount = ShutdownAccount(
            at: reactor.now, endpoint.traffic,
            pendingMessageCount: connections.reduce(0) { $0 + $1.pendingMessageCount })
        endListening()
        // The end itself is reported from the loop, also if there is no connection to wait for.
        reactor.runAtEndOfTurn(self)
    }

    func endListening() {
        naming.end()
        naming.endLeftOver()
        listener?.stop()
        listener = nil
    }

    private func finishStopping() {
        guard state == .stopping, connectionCount == 0 else { return }
        assert(endpoint.ledger.byteCount == 0, "connections that have ended hold \(endpoint.ledger.byteCount) bytes")
        state = .stopped
        if !endpoint.leavesClosingToOwner { endGrace() }
        shutdownReport = shutdownAccount?.finish(at: reactor.now, endpoint.traffic)
        let delegate = delegate
        self.delegate = nil
        delegate?.serverDidStop(self)
        endpoint.delegate = nil
        reactor.registry.remove(key)
    }

    deinit {
        // A connection that has ended may outlive its server, in somebody's hands.
        unsafe endpoint.owner = nil
        grace?.limit.cancel()
    }

    // MARK: Accepting

    /// The last step of letting a client in.
    func open(_ connection: PipeConnection) {
        endpoint.traffic.openCount &+= 1
        endpoint.traffic.acceptedCount &+= 1
        admission.didOpen(connection.peer)
        connection.begin()
    }
}

extension PipeServer: ConnectionOwner {
    func connectionDidFailSending(_ connection: PipeConnection, unsent: SendQueueSlot) {}

    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueueSlot?) {
        guard state == .stopping else { return }
        shutdownAccount?.connectionEnded(
            reason.kind, unsent: connection.unsentMessageCount, hasPartlySent: connection.hasPartlySentMessage)
    }

    var keptByteCharge: Int { 0 }

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason) {
        endpoint.traffic.openCount &-= 1
        closedCounts.count(reason.kind.rawValue)
        admission.didClose(connection.peer)
        finishStopping()
    }
}

extension PipeServer: TurnWork, Registered {
    package func runInTurn() { finishStopping() }

    package func reactorDidStop() { stop() }
}

@available(*, unavailable, message: "a server belongs to its reactor's thread; other threads hold its reference")
extension PipeServer: Sendable {}

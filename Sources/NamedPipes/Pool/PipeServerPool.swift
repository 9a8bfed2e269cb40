// SPDX-License-Identifier: Apache-2.0
public import PipeReactor
internal import Synchronization

/// Serves the clients of one name on several reactors, each with a thread of its own: for delegates that need more than
/// one processor.
///
/// ```swift
/// let pool = try PipeServerPool(listeningOn: .runtime("echo"), reactors: .cores) { server in Echo() }
/// …
/// let report = await pool.stop(gracePeriod: .seconds(5))
/// ```
///
/// Each reactor has a ``PipeServer`` and a delegate of its own, and everything that is said of a server and its
/// connections holds there: a connection stays with its reactor, and its callbacks never run at the same time as others
/// of that reactor. The limits hold for all of them together, and are exact.
///
/// If there are at least two reactors, the name has a thread of its own, which runs no delegate: it accepts the clients
/// and deals them out. With one reactor, there is one thread, and the pool is as fast as a plain server.
///
/// A pool may be used from any thread. It runs until it is stopped, so you need not keep a reference.
public final class PipeServerPool: Sendable {
    /// The name that clients connect to.
    public let address: PipeAddress

    /// How connections behave, and the limits, which hold for all workers together. Changed with
    /// ``reconfigure(_:)``.
    public var configuration: PipeServer.Configuration { state.withLock { $0.configuration } }

    /// How clients are dealt to the workers.
    public let dealing: Dealing

    let workers: [PoolWorker]
    let admission: SharedAdmission
    let budget: SharedByteBudget
    private let onEvent: @Sendable (PipeServerPool, Event) -> Void
    /// Whether handlers continue on the workers' threads after the servers have stopped.
    let keepsThreads: Bool

    let state: Mutex<State>

    /// What changes while the pool lives.
    struct State {
        var configuration: PipeServer.Configuration
        var lifecycle: PoolLifecycle
        /// The server that has the name, and its thread, unless it shares the only worker's.
        var nameServer: ReactorReference<PipeServer>?
        var nameThread: ReactorThread?
        /// The numbers of the server that has the name, at its end.
        var lastNameStatistics: PipeServer.Statistics?
        /// The tasks that wait for the end, and whether it has come.
        var waiting: [@Sendable (ShutdownReport) -> Void] = []
        var isOver = false
    }

    /// How a pool gets its name.
    enum Entrance: Sendable {
        case publish
        case inherit(InheritedListener)
    }

    /// Publishes the name and starts the threads. When this returns, clients can connect.
    ///
    /// - Parameters:
    ///   - address: the name to take.
    ///   - reactors: their number. The default is one for each processor.
    ///   - configuration: the default is a 4-byte length framing and a name for this user only. Its limits hold for all
    ///     workers together.
    ///   - dealing: how clients are dealt to the workers. The default is to the one with the fewest connections.
    ///   - reactorConfiguration: the workers' reactors.
    ///   - onEvent: receives the events of the name, and all refusals. Called on the thread of the name.
    ///   - delegate: makes the delegate of one worker, on its thread, before the first client comes. The worker retains
    ///     it until it has stopped. ``PipeServer/pool`` of the server is this pool.
    /// - Throws: as ``PipeServer/init(listeningOn:configuration:reactor:delegate:)``. If it throws, nothing is left
    ///   behind, and the delegates that were made have been told with
    ///   ``PipeServerDelegate/serverDidStop(_:)-(PipeServer)``.
    public convenience init(
        listeningOn address: PipeAddress, reactors: ReactorCount = .cores,
        configuration: PipeServer.Configuration = PipeServer.Configuration(), dealing: Dealing = .fewestConnections,
        reactorConfiguration: Reactor.Configuration = Reactor.Configuration(),
        onEvent: @escaping @Sendable (PipeServerPool, Event) -> Void = { _, _ in },
        delegate: @escaping @Sendable (PipeServer) -> any PipeServerDelegate
    ) throws(PipeError) {
        self.init(address, reactors, configuration, dealing, onEvent)
        try start(.publish, reactorConfiguration, delegate)
    }

    /// Serves a socket that the service manager has made; see ``InheritedListener`` and
    /// ``PipeServer/init(inheriting:configuration:reactor:delegate:)-(InheritedListener,_,_,_)``.
    ///
    /// - Parameters:
    ///   - listener: the socket; it makes one pool. If this throws, it can be used again.
    ///   - reactors: their number. The default is one for each processor.
    ///   - configuration: the default is a 4-byte length framing. The settings for the name are ignored.
    ///   - dealing: how clients are dealt to the workers.
    ///   - reactorConfiguration: the workers' reactors.
    ///   - onEvent: receives all refusals. Called on the thread of the name.
    ///   - delegate: makes the delegate of one worker, on its thread.
    /// - Throws: ``PipeError/system(_:)``, or ``PipeError/inheritedListener(_:)`` for a listener that has its server
    ///   already.
    public convenience init(
        inheriting listener: InheritedListener, reactors: ReactorCount = .cores,
        configuration: PipeServer.Configuration = PipeServer.Configuration(), dealing: Dealing = .fewestConnections,
        reactorConfiguration: Reactor.Configuration = Reactor.Configuration(),
        onEvent: @escaping @Sendable (PipeServerPool, Event) -> Void = { _, _ in },
        delegate: @escaping @Sendable (PipeServer) -> any PipeServerDelegate
    ) throws(PipeError) {
        self.init(listener.address, reactors, configuration, dealing, onEvent)
        try start(.inherit(listener), reactorConfiguration, delegate)
    }

    init(
        _ address: PipeAddress, _ reactors: ReactorCount, _ configuration: PipeServer.Configuration,
        _ dealing: Dealing, _ onEvent: @escaping @Sendable (PipeServerPool, Event) -> Void, keepsThreads: Bool = false
    ) {
        self.address = address
        self.dealing = dealing
        self.onEvent = onEvent
        self.keepsThreads = keepsThreads
        let admission = SharedAdmission(
            Admission(
                configuration, ownUserID: CurrentProcess.userID, descriptorLimit: CurrentProcess.descriptorLimit))
        self.admission = admission
        budget = SharedByteBudget(
            limit: configuration.byteBudget, limitPerUser: configuration.effectiveByteBudgetPerUser,
            ledgerCount: reactors.value)
        workers = (0..<reactors.value).map { PoolWorker($0, admission) }
        state = Mutex(
            State(configuration: configuration, lifecycle: PoolLifecycle(workerCount: reactors.value)))
    }

    /// The number of reactors that serve connections.
    public var reactorCount: Int { workers.count }

    /// The number of connections of all workers, including those that are on their way to one.
    public var connectionCount: Int { admission.takenCount }

    /// Serves a connection as if its peer had connected to the pool's name: from any thread, through the same limits,
    /// and dealt to a worker as any other; see ``PipeServer/adopt(_:)``.
    ///
    /// - Parameter connection: the connection. If the pool has stopped by then, it is closed.
    public func adopt(_ connection: consuming AcceptedConnection) {
        guard let server = state.withLock({ $0.nameServer }) else { return }
        server.adopt(connection)
    }

    /// Tells the owner of an event, on the thread of the name.
    func tell(_ event: Event) {
        guard let executor = state.withLock({ $0.nameServer?.executor }), !executor.isCurrent else {
            return onEvent(self, event)
        }
        if !executor.post({ [self] _ in onEvent(self, event) }) { onEvent(self, event) }
    }
}

// MARK: - The start

extension PipeServerPool {
    /// Starts the workers, and then takes the name: no client comes before there is a server for it.
    func start(
        _ entrance: Entrance, _ reactorConfiguration: Reactor.Configuration,
        _ makeDelegate: @escaping @Sendable (PipeServer) -> any PipeServerDelegate
    ) throws(PipeError) {
        do {
            for worker in workers {
                try worker.start(in: self, reactorConfiguration) { [self] reactor in
                    let server = PipeServer(workingAs: worker, in: self, ByteLedger(sharing: budget), reactor) {
                        makeDelegate($0)
                    }
                    if workers.count == 1 { try takeName(entrance, on: reactor, onlyServer: server) }
                    return server
                }
            }
            if workers.count > 1 {
                let thread = try ReactorThread(name: "pool name") { [self] reactor in
                    try takeName(entrance, on: reactor, onlyServer: nil)
                }
                state.withLock { $0.nameThread = thread }
            }
        } catch {
            abandon()
            throw Self.startError(error)
        }
        state.withLock { $0.lifecycle.didStart() }
        tell(.listening)
    }

    private static func startError(_ error: any Error) -> PipeError {
        switch error {
        case let error as PipeError: error
        case let error as SystemError: .system(error)
        default: preconditionFailure("a thread or a name fails with an error of its own: \(error)")
        }
    }

    /// Makes the server that has the name, on its thread.
    private func takeName(_ entrance: Entrance, on reactor: Reactor, onlyServer: PipeServer?) throws(PipeError) {
        let acceptor = PoolAcceptor(reactor, admission, workers, dealing, onlyServer: onlyServer)
        let server = try PipeServer(acceptingFor: self, acceptor, entrance, reactor)
        state.withLock { $0.nameServer = server.reference }
    }

    /// Ends what was started, after a failure.
    private func abandon() {
        for worker in workers {
            worker.endThread()
            worker.join()
            worker.releasePool()
        }
    }
}

extension PipeServer {
    /// A worker's server.
    convenience init(
        workingAs worker: PoolWorker, in pool: PipeServerPool, _ ledger: ByteLedger, _ reactor: Reactor,
        _ makeDelegate: (PipeServer) -> any PipeServerDelegate
    ) {
        self.init(
            pool.address, pool.configuration, reactor, UnmadeDelegate(), .noSocket, ledger, .worker(worker))
        // The pool lives as long as its workers serve.
        endpoint.budget.relieveElsewhere = { [unowned reactor] in worker.pool?.relieve($0, on: reactor) }
        setDelegate(makeDelegate(self))
        register()
    }

    /// The server that has the name of a pool, and no connections.
    fileprivate convenience init(
        acceptingFor pool: PipeServerPool, _ acceptor: PoolAcceptor, _ entrance: PipeServerPool.Entrance,
        _ reactor: Reactor
    ) throws(PipeError) {
        self.init(
            pool.address, pool.configuration, reactor, PoolNameDelegate(pool), .closed, nil, .acceptor(acceptor, pool))
        let name =
            switch entrance {
            case .publish: try PublishedName.publish(pool.address, pool.configuration.nameClaim)
            case .inherit(let listener): try PublishedName(listener)
            }
        nameState.entrance = .socket(try listen(at: name))
        register()
    }
}

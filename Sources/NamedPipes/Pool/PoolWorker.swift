// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor
internal import Synchronization

/// One reactor of a pool, as the other threads see it: its thread, its inbox and its load.
final class PoolWorker: Sendable {
    /// Its place among the workers, which is also part of the IDs of its connections.
    let index: Int

    private let admission: SharedAdmission
    private let load = Atomic(0)
    private let inbox = Mutex(WorkerInbox<DealtConnection>())
    private let state = Mutex(State())

    private struct State {
        var thread: ReactorThread?
        var server: ReactorReference<PipeServer>?
        /// Until the pool has stopped.
        var pool: PipeServerPool?
        /// The numbers of the server at its end.
        var lastStatistics: PipeServer.Statistics?
    }

    init(_ index: Int, _ admission: SharedAdmission) {
        self.index = index
        self.admission = admission
    }

    var pool: PipeServerPool? { state.withLock { $0.pool } }
    var server: ReactorReference<PipeServer>? { state.withLock { $0.server } }
    var lastStatistics: PipeServer.Statistics? { state.withLock { $0.lastStatistics } }

    // MARK: Its start and end

    /// Starts the thread. Returns after the server is made.
    ///
    /// - Parameter setUp: makes the server on the new thread.
    func start(
        in pool: PipeServerPool, _ configuration: Reactor.Configuration,
        _ setUp: @escaping @Sendable (Reactor) throws -> PipeServer
    ) throws {
        state.withLock { $0.pool = pool }
        let thread = try ReactorThread(name: "pool \(index)", configuration: configuration) { [self] reactor in
            reactor.registry.distinguishKeys(by: index)
            let server = try setUp(reactor).reference
            state.withLock { $0.server = server }
        }
        state.withLock { $0.thread = thread }
    }

    /// Begins on the calling thread, whose reactor the caller runs.
    func start(in pool: PipeServerPool, _ makeServer: () -> PipeServer) -> PipeServer {
        state.withLock { $0.pool = pool }
        let server = makeServer()
        state.withLock { $0.server = server.reference }
        return server
    }

    /// The server has stopped, and its delegate was told.
    func serverDidStop(_ server: PipeServer) {
        let left = inbox.withLock { $0.close() }
        withExtendedLifetime(left) {}
        let (report, statistics) = (server.shutdownReport ?? ShutdownReport(), server.statistics)
        state.withLock { $0.lastStatistics = statistics }
        pool?.workerDidStop(report)
    }

    /// Ends the thread's loop, which is not waited for.
    func endThread() { state.withLock { $0.thread }?.stop() }

    /// Waits for the end of the thread.
    func join() { state.withLock { $0.thread }?.join() }

    func releasePool() { state.withLock { $0.pool = nil } }

    // MARK: Its load

    /// How many connections it has, or is about to have.
    var connectionCount: Int { load.load(ordering: .relaxed) }

    func countConnection() { load.add(1, ordering: .relaxed) }

    func uncountConnection() { load.subtract(1, ordering: .relaxed) }

    /// Takes a place for a client that the worker's server was given directly.
    func takePlace<Failure: Error>(
        for peer: PeerCredentials, now: SuspendingClock.Instant, groups: () throws(Failure) -> [UInt32]
    ) throws(Failure) -> ConnectionRefusal? {
        let refusal = try admission.takePlace(for: peer, now: now, groups: groups)
        if refusal == nil { countConnection() }
        return refusal
    }

    /// A connection of the worker has ended, or was refused after all.
    func giveBackPlace(of peer: PeerCredentials) {
        uncountConnection()
        admission.giveBackPlace(of: peer)
    }

    // MARK: Its clients

    /// Whether the worker has clients to take and has not come for them in time.
    func isHeld(at now: SuspendingClock.Instant) -> Bool { inbox.withLock { $0.isHeld(at: now) } }

    /// Whether clients wait that the worker has not come for yet.
    var isExpected: Bool { inbox.withLock { $0.isExpected } }

    /// Gives it the clients of one turn of the acceptor, and wakes it unless it is about to come anyway.
    func give(_ clients: [DealtConnection], at now: SuspendingClock.Instant) {
        if inbox.withLock({ $0.add(clients, at: now) }) { callForClients() }
    }

    /// Takes back the clients that it has not come for.
    func takeBackClients() -> [DealtConnection] { inbox.withLock { $0.takeBack() } }

    private func callForClients() {
        server?.perform { [self] server in takeClients(for: server) }
    }

    /// On the worker's thread: serves as many of the waiting clients as one turn accepts.
    private func takeClients(for server: PipeServer) {
        let limit = max(1, server.configuration.acceptsPerTurn)
        let (clients, hasMore) = inbox.withLock { $0.removeFirst(limit, at: server.reactor.now) }
        for client in clients { server.admitDealt(client) }
        if hasMore { callForClients() }
    }
}

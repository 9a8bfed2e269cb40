// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram
internal import Synchronization

/// The same as ``ServerSession`` on several reactors, each with a thread of its own. The main thread's reactor has only
/// the signals, the end of standard input and the statistics.
final class PoolSession: Sendable {
    /// As ``MessageCounter/Handler``; called on the threads of all workers.
    typealias Handler = @Sendable (_ connection: PipeConnection, _ message: Span<UInt8>) throws -> Void

    let log = ServerLog()
    let home: ReactorExecutor
    /// The sum over the workers that have stopped.
    private let tally = Mutex(ServerTally())

    init(_ home: Reactor) { self.home = home.executor }

    /// Serves until a signal.
    ///
    /// - Parameters:
    ///   - reactors: the number of reactors, and their configuration.
    ///   - home: the main thread's reactor.
    ///   - announce: receives the line that says that clients can connect, and the summary at the end.
    func run(
        _ destination: Destination?, _ wire: WireOptions, _ options: ServerOptions,
        on reactors: (count: ReactorCount, configuration: Reactor.Configuration), home: Reactor,
        announce: ServerSession.Announcement, handler: @escaping Handler
    ) throws {
        raiseDescriptorLimit()
        let pool: PipeServerPool
        log.follow(options.verbosity.level)
        var configuration = wire.serverConfiguration
        options.apply(to: &configuration)
        do {
            pool = try options.place(destination).makePool(
                configuration, reactors, onEvent: { [self] in note($1, of: $0) }
            ) { [self] _ in PoolWorkerDelegate(self, handler) }
        } catch {
            throw Failure(error)
        }
        let attendant = attend(to: pool, home, options, announce)
        withExtendedLifetime(attendant) { home.run() }
        pool.join()
        try conclude(announce)
    }

    /// Announces the pool, and stops it when it is told to. On the main thread.
    func attend(
        to pool: PipeServerPool, _ home: Reactor, _ options: ServerOptions, _ announce: ServerSession.Announcement
    ) -> Attendant {
        let attendant = Attendant(home, log) { grace in pool.beginStopping(gracePeriod: grace) }
        do {
            if options.offersStatistics { offerStatistics(of: pool, options) }
            try attendant.attend(options)
            try attendant.announce("\(pool.address)", announce)
        } catch {
            log.note(Failure(error))
            pool.beginStopping()
        }
        return attendant
    }

    /// Adds what a reactor or a connection has carried.
    func add(_ part: ServerTally) { tally.withLock { $0.add(part) } }

    /// Prints the summary, or throws the reason for the stop.
    func conclude(_ announce: ServerSession.Announcement) throws(Failure) {
        try log.conclude(tally.withLock { $0 }, announce)
    }

    private func note(_ event: PipeServerPool.Event, of pool: PipeServerPool) {
        switch event {
        case .refused(let report): log.didRefuse(report)
        case .acceptFailed(let error): log.didFailToAccept(error)
        case .lostName(let loss): log.didLoseName(pool.address, loss, isPublished: false)
        case .republishFailed(let error): log.didFailToRepublish(pool.address, error)
        case .regainedName: log.didRegainName(pool.address)
        case .stopped: home.stop()
        case .listening: break
        @unknown default: break
        }
    }
}

/// The delegate of one worker.
private final class PoolWorkerDelegate: PipeServerDelegate {
    private let session: PoolSession
    private let counter: MessageCounter

    init(_ session: PoolSession, _ handler: @escaping PoolSession.Handler) {
        self.session = session
        counter = MessageCounter(session.log, handler: handler)
    }

    func connectionDidOpen(_ connection: PipeConnection) { counter.didOpen("\(connection)") }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        counter.handle(message, of: connection)
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        counter.count(reason, of: "\(connection)")
    }

    func serverDidStop(_ server: PipeServer) { session.add(counter.tally) }
}

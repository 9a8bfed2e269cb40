// SPDX-License-Identifier: Apache-2.0
#if Service
public import Logging
public import NamedPipes
public import ServiceLifecycle

/// A server as a service of swift-service-lifecycle: it starts and stops with its group, writes a log, and publishes
/// its counters.
///
/// ```swift
/// let echo = PipeService(at: .address(try .runtime("echo")), logger: logger) { connection in
///     for try await message in connection.messages { try await connection.send(message) }
/// }
/// try await ServiceGroup(services: [echo], logger: logger).run()
/// ```
///
/// The server has its own thread and reactor, unless an executor is given; with ``Workers``, it is a `PipeServerPool`,
/// with a thread for each. When the group shuts down gracefully, no
/// more clients are accepted, messages that have arrived are delivered, queues are sent, and connections end, within
/// ``Configuration/shutdownGrace``. When the task is cancelled, all of them end at once.
///
/// A server that has handed its name to a successor ends in the same graceful way, and then ``run()`` returns. For a
/// group that is an error unless the service's `successTerminationBehavior` says otherwise.
public struct PipeService: Service {
    /// The place at which clients connect.
    public let place: Place

    private let configuration: Configuration
    private let logger: Logger
    private let stage: Stage
    private let serve: Serve
    let serving = ServingServer()

    /// Creates a service with a task for each connection; see `PipeServer.serve`.
    ///
    /// - Parameters:
    ///   - place: the place at which clients connect.
    ///   - configuration: the default is a 4-byte length framing, five seconds to shut down, metrics every ten seconds.
    ///   - logger: receives the server's log. Within the handler, `Logger.current` is this logger, with the connection
    ///     in its metadata.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for it.
    ///   - handler: called once for each connection, on the reactor's thread.
    public init(
        at place: Place, configuration: Configuration = Configuration(), logger: Logger,
        on executor: ReactorExecutor? = nil,
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) {
        self.init(place, configuration, logger, .reactor(executor), Self.handling(place, logger, handler))
    }

    /// Creates a service whose connections report to a delegate.
    ///
    /// - Parameters:
    ///   - place: the place at which clients connect.
    ///   - configuration: the default is a 4-byte length framing, five seconds to shut down, metrics every ten seconds.
    ///   - logger: receives the server's log.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for it.
    ///   - makeDelegate: makes the delegate, on the reactor's thread, each time the service is run.
    public init(
        at place: Place, configuration: Configuration = Configuration(), logger: Logger,
        on executor: ReactorExecutor? = nil,
        makeDelegate: @escaping @Sendable (Reactor) throws -> any PipeServerDelegate
    ) {
        self.init(place, configuration, logger, .reactor(executor)) { call in
            guard case .reactor(let executor) = call.stage else { preconditionFailure("made for one reactor") }
            return try await call.serve(on: executor, delegate: makeDelegate)
        }
    }

    /// Creates a service that serves with a pool, and with a task for each connection; see `PipeServerPool.serve`.
    ///
    /// - Parameters:
    ///   - place: the place at which clients connect.
    ///   - workers: the number of reactors, each with a thread of its own.
    ///   - configuration: the default is a 4-byte length framing, five seconds to shut down, metrics every ten seconds.
    ///     Its limits hold for all workers together. Its ``Configuration/onPoolEvent`` receives the events.
    ///   - logger: receives the pool's log. Within the handler, `Logger.current` is this logger, with the connection in
    ///     its metadata.
    ///   - handler: called once for each connection, on the thread of its worker. Handlers of different workers run at
    ///     the same time.
    public init(
        at place: Place, workers: Workers, configuration: Configuration = Configuration(), logger: Logger,
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) {
        self.init(place, configuration, logger, .pool(workers), Self.handling(place, logger, handler))
    }

    /// Creates a service that serves with a pool, and with a delegate for each worker; see `PipeServerPool`.
    ///
    /// - Parameters:
    ///   - place: the place at which clients connect.
    ///   - workers: the number of reactors, each with a thread of its own.
    ///   - configuration: the default is a 4-byte length framing, five seconds to shut down, metrics every ten seconds.
    ///     Its limits hold for all workers together. Its ``Configuration/onPoolEvent`` receives the events.
    ///   - logger: receives the pool's log.
    ///   - makeDelegate: makes the delegate of one worker, on its thread, each time the service is run.
    public init(
        at place: Place, workers: Workers, configuration: Configuration = Configuration(), logger: Logger,
        makeDelegate: @escaping @Sendable (PipeServer) -> any PipeServerDelegate
    ) {
        let reactor = configuration.reactor
        self.init(place, configuration, logger, .pool(workers)) { call in
            try await call.serve(with: workers, reactor, delegate: makeDelegate)
        }
    }

    /// Where a service serves.
    private enum Stage {
        /// On one reactor; nil for one of its own.
        case reactor(ReactorExecutor?)
        case pool(Workers)

        /// The number of workers of a pool; nil for a plain server.
        var workerCount: Int? { if case .pool(let workers) = self { workers.count.value } else { nil } }
    }

    private typealias Serve = @Sendable (ServeCall) async throws -> ShutdownReport

    private init(
        _ place: Place, _ configuration: Configuration, _ logger: Logger, _ stage: Stage, _ serve: @escaping Serve
    ) {
        self.place = place
        self.configuration = configuration
        self.logger = logger
        self.stage = stage
        self.serve = serve
    }

    private static func handling(
        _ place: Place, _ logger: Logger,
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) -> Serve {
        { call in
            let logger = logger.describing(place.address)
            return try await call.serve { connection in
                try await withLogger(logger.describing(connection)) { _ in try await handler(connection) }
            }
        }
    }

    /// Serves until the group shuts down, the task is cancelled, or a successor has taken the name over. An inherited
    /// socket can be served once; an address any number of times, one after the other.
    ///
    /// - Throws: as `PipeServer.serve`: an error if the name cannot be taken, and `CancellationError`.
    public func run() async throws {
        let log = ServerLog(logger.describing(place.address), describesErrors: configuration.logsHandlerErrors)
        let metrics = ServerMetrics(configuration.metrics, place.address, workerCount: stage.workerCount)
        let statistics = StatisticsOffer(configuration, log)
        let observer = ServerObserver(configuration, log, metrics, serving, statistics)
        defer { serving.set(.none) }
        let grace = configuration.shutdownGrace
        let report: ShutdownReport
        do {
            report = try await withTaskCancellationHandler {
                try await withGracefulShutdownHandler {
                    try await serve(observer, statistics)
                } onGracefulShutdown: {
                    observer.shutDown(gracePeriod: grace)
                }
            } onCancel: {
                observer.cancel()
            }
        } catch {
            await metrics.end()
            throw error
        }
        await metrics.end()
        observer.didStop(report)
    }

    private func serve(_ observer: ServerObserver, _ statistics: StatisticsOffer) async throws -> ShutdownReport {
        switch stage {
        case .reactor(let executor):
            try await withReactor(executor, name: "pipe service", configuration: configuration.reactor) { executor in
                try await statistics.endAfter {
                    try await serve(ServeCall(place, configuration.server, .reactor(executor), observer))
                }
            }
        case .pool(let workers):
            try await statistics.endAfter {
                try await serve(
                    ServeCall(place, configuration.server, .pool(workers, configuration.reactor), observer))
            }
        }
    }
}

extension PipeService: CustomStringConvertible {
    /// The place that it serves: service groups write the names of their services into each of their log lines.
    public var description: String { "pipe service at \(place.address)" }
}
#endif

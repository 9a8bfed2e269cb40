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
/// try await ServiceGroup(services: [echo], gracefulShutdownSignals: [.sigterm], logger: logger).run()
/// ```
///
/// The server has its own thread and reactor, unless an executor is given. When the group shuts down gracefully, no
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
    private let executor: ReactorExecutor?
    private let serve: @Sendable (ServeCall) async throws -> ShutdownReport

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
        self.init(place, configuration, logger, executor) { call in
            let logger = logger.describing(place.address)
            return try await call.serve { connection in
                try await withLogger(logger.describing(connection)) { _ in try await handler(connection) }
            }
        }
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
        self.init(place, configuration, logger, executor) { call in try await call.serve(delegate: makeDelegate) }
    }

    private init(
        _ place: Place, _ configuration: Configuration, _ logger: Logger, _ executor: ReactorExecutor?,
        _ serve: @escaping @Sendable (ServeCall) async throws -> ShutdownReport
    ) {
        self.place = place
        self.configuration = configuration
        self.logger = logger
        self.executor = executor
        self.serve = serve
    }

    /// Serves until the group shuts down, the task is cancelled, or a successor has taken the name over. An inherited
    /// socket can be served once; an address any number of times, one after the other.
    ///
    /// - Throws: as `PipeServer.serve`: an error if the name cannot be taken, and `CancellationError`.
    public func run() async throws {
        let observer = ServerObserver(
            log: ServerLog(logger.describing(place.address), describesErrors: configuration.logsHandlerErrors),
            metrics: ServerMetrics(configuration.metrics, place.address), notifier: configuration.notifier,
            onEvent: configuration.onEvent)
        let grace = configuration.shutdownGrace
        let report = try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await withReactor(executor, name: "pipe service", configuration: configuration.reactor) {
                    executor in
                    try await serve(ServeCall(place, configuration.server, executor, observer.handle))
                }
            } onGracefulShutdown: {
                observer.shutDown(gracePeriod: grace)
            }
        } onCancel: {
            observer.cancel()
        }
        observer.didStop(report)
    }
}

extension PipeService: CustomStringConvertible {
    /// The place that it serves: service groups write the names of their services into each of their log lines.
    public var description: String { "pipe service at \(place.address)" }
}
#endif

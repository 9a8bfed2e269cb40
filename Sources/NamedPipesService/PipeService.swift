// SPDX-License-Identifier: Apache-2.0
#if Service
public import Logging
public import NamedPipes
public import ServiceLifecycle

/// A server as a service of swift-service-lifecycle: it starts and stops with its group, keeps a log, and publishes
/// what it counts.
///
/// ```swift
/// let echo = PipeService(at: .address(try .runtime("echo")), logger: logger) { connection in
///     for try await message in connection.messages { try await connection.send(message) }
/// }
/// try await ServiceGroup(services: [echo], gracefulShutdownSignals: [.sigterm], logger: logger).run()
/// ```
///
/// The server has a thread and a reactor of its own, unless it is given one. When the group shuts down gracefully,
/// no client is accepted any more, messages that have arrived are delivered, queues are sent, and connections end, for
/// as long as ``Configuration/shutdownGrace`` lasts. When the task is cancelled, all of them end at once.
///
/// A server that has handed its name to a successor ends in the same gentle way, and then ``run()`` returns. For a
/// group that is an error unless the service's `successTerminationBehavior` says otherwise.
public struct PipeService: Service {
    /// Where clients connect.
    public let place: Place

    private let configuration: Configuration
    private let logger: Logger
    private let executor: ReactorExecutor?
    private let serve: @Sendable (ServeCall) async throws -> ShutdownReport

    /// Makes a service with a task for each connection; see `PipeServer.serve`.
    ///
    /// - Parameters:
    ///   - place: where clients connect.
    ///   - configuration: the default is a 4-byte length framing, five seconds to shut down, metrics every ten seconds.
    ///   - logger: where the server's log goes. Within the handler, `Logger.current` is this one, with the connection
    ///     in its metadata.
    ///   - executor: of the reactor to serve on. The default is nil: a thread is made for it.
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

    /// Makes a service whose connections report to a delegate.
    ///
    /// - Parameters:
    ///   - place: where clients connect.
    ///   - configuration: the default is a 4-byte length framing, five seconds to shut down, metrics every ten seconds.
    ///   - logger: where the server's log goes.
    ///   - executor: of the reactor to serve on. The default is nil: a thread is made for it.
    ///   - makeDelegate: makes the delegate, on the reactor's thread, each time that the service is run.
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

    /// Serves until the group shuts down, the task is cancelled, or a successor has taken the name over. A place that
    /// was inherited can be served once; an address any number of times, one after the other.
    ///
    /// - Throws: as `PipeServer.serve`: where the name cannot be had, and `CancellationError`.
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
    /// Where it serves: service groups write their services into each of their lines.
    public var description: String { "pipe service at \(place.address)" }
}
#endif

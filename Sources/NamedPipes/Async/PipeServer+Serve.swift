// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

extension PipeServer {
    /// An event of a server that ``serve(at:configuration:on:onEvent:handler:)`` runs, other than messages.
    @nonexhaustive
    public enum ServeEvent: Sendable {
        /// The name is published: clients can connect.
        case listening
        /// A client was admitted; its handler is about to be called.
        case connected(PipeConnection.ID, PeerCredentials)
        /// A connection has ended; its handler may still process messages that had arrived before.
        case disconnected(PipeConnection.ID, PeerCredentials, DisconnectReason)
        /// A client was refused; see ``PipeServerDelegate/server(_:didRefuse:)``.
        case refused(RefusalReport)
        /// No client can be accepted for now; see ``PipeServerDelegate/server(_:didFailToAcceptWith:)``.
        case acceptFailed(SystemError)
        /// A connection's handler has thrown, and the connection was ended; or it has returned, and the messages that
        /// it had sent could not all be handed to the kernel (``PipeError/messagesUnsent(count:_:)``).
        case handlerFailed(PipeConnection.ID, PeerCredentials, any Error)
        /// Clients do not find the server any more; see ``PipeServerDelegate/server(_:didLoseName:)``.
        case lostName(NameLoss)
        /// A lost name cannot be published again for now; see ``PipeServerDelegate/server(_:didFailToRepublish:)``.
        case republishFailed(PipeError)
        /// Clients find the server again.
        case regainedName
        /// A FIFO brought bytes that are no message; see ``PipeServerDelegate/server(_:didSkip:)``.
        case skipped(FramingError)
        /// The name is given up, and every connection has ended. Nothing follows.
        case stopped
    }

    /// Serves a name until the task is cancelled or the server is stopped, with a child task for each connection.
    ///
    /// ```swift
    /// try await PipeServer.serve(at: .runtime("echo")) { connection in
    ///     for try await message in connection.messages {
    ///         try await connection.send(message)
    ///     }
    /// }
    /// ```
    ///
    /// Handlers run on the reactor's thread, as the delegate of a ``PipeServer`` does: they must not block, and work
    /// that takes much CPU time belongs on the global executor; see <doc:AsyncCode>. They never run at the same time
    /// and need no locks.
    ///
    /// When a handler returns, the queued messages are sent and its connection is closed. When it throws, its
    /// connection is ended at once, the others continue, and `onEvent` is told. (`CancellationError` and
    /// ``PipeError/disconnected(_:)``, which the handler merely passed on, are no failures.) If queued messages cannot
    /// be sent after a handler has returned, `onEvent` is told as well.
    ///
    /// Cancelling the task ends all connections at once, cancels all handlers and waits for them. To stop gracefully,
    /// call ``stop(gracePeriod:)`` on the server that `onEvent` receives: no more clients are accepted,
    /// ``AsyncPipeConnection/messages`` end after those that have arrived, and the handlers have the grace period to
    /// finish. A handler that needs more messages of its peer for that calls ``AsyncPipeConnection/resumeReceiving()``.
    /// When the grace period is over, or at ``stop()``, the remaining connections are ended and the handlers that still
    /// run are cancelled.
    ///
    /// - Parameters:
    ///   - address: the name to take.
    ///   - configuration: the default is a 4-byte length framing and a name for this user only.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    ///   - onEvent: receives all events except messages. Called on the reactor's thread.
    ///   - handler: called once for each connection.
    /// - Returns: the fate of messages and connections after the stop.
    /// - Throws: as ``init(listeningOn:configuration:reactor:delegate:)``, and `CancellationError`.
    @discardableResult
    public static func serve(
        at address: PipeAddress, configuration: Configuration = Configuration(), on executor: ReactorExecutor? = nil,
        onEvent: @escaping @Sendable (PipeServer, ServeEvent) -> Void = { _, _ in },
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> ShutdownReport {
        try await serve(on: executor, onEvent, handler) { reactor, delegate in
            try PipeServer(listeningOn: address, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    /// Serves a socket that the service manager has made; see ``serve(at:configuration:on:onEvent:handler:)`` and
    /// ``InheritedListener``.
    @discardableResult
    public static func serve(
        inheriting listener: InheritedListener, configuration: Configuration = Configuration(),
        on executor: ReactorExecutor? = nil,
        onEvent: @escaping @Sendable (PipeServer, ServeEvent) -> Void = { _, _ in },
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> ShutdownReport {
        try await serve(on: executor, onEvent, handler) { reactor, delegate in
            try PipeServer(inheriting: listener, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    /// Serves with the server that `makeServer` makes, on the reactor's thread.
    package static func serve(
        on executor: ReactorExecutor?, _ onEvent: @escaping @Sendable (PipeServer, ServeEvent) -> Void,
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void,
        _ makeServer: @escaping @Sendable (Reactor, any PipeServerDelegate) throws -> PipeServer
    ) async throws -> ShutdownReport {
        try await withReactor(executor, name: "pipe server") { executor in
            try await serveOnReactor(executor, onEvent, handler, makeServer)
        }
    }

    private static func serveOnReactor(
        _ executor: ReactorExecutor, _ onEvent: @escaping @Sendable (PipeServer, ServeEvent) -> Void,
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void,
        _ makeServer: @escaping @Sendable (Reactor, any PipeServerDelegate) throws -> PipeServer
    ) async throws -> ShutdownReport {
        try Task.checkCancellation()
        // Used on this thread only.
        nonisolated(unsafe) let delegate = AsyncServerDelegate(onEvent: onEvent)
        let server = try unsafe makeServer(executor.reactorOfThisThread, delegate)
        server.endpoint.leavesClosingToOwner = true
        let reference = server.reference
        onEvent(server, .listening)
        await withTaskCancellationHandler {
            await unsafe delegate.handleConnections(of: server, on: executor, with: handler)
        } onCancel: {
            reference.perform { $0.stop() }
        }
        try Task.checkCancellation()
        return unsafe delegate.report ?? ShutdownReport()
    }
}

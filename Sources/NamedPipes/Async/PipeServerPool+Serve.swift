// SPDX-License-Identifier: Apache-2.0
public import PipeReactor
internal import Synchronization

extension PipeServerPool {
    /// Serves a name on several reactors until the task is cancelled or the pool is stopped, with a child task for each
    /// connection.
    ///
    /// ```swift
    /// try await PipeServerPool.serve(at: .runtime("upper"), reactors: .cores) { connection in
    ///     for try await message in connection.messages {
    ///         try await connection.send(String(copying: message)?.uppercased() ?? "")
    ///     }
    /// }
    /// ```
    ///
    /// Everything that is said of ``PipeServer/serve(at:configuration:on:onEvent:handler:)`` holds for each worker: a
    /// handler runs on the thread of its connection's worker, never at the same time as another handler of this worker,
    /// and it must not block. Handlers of different workers run at the same time, so state that they share needs
    /// protection: a `Mutex`, an atomic value, or an actor.
    ///
    /// Cancelling the task ends all connections at once, cancels all handlers and waits for them and for the threads.
    /// To stop gracefully, call ``beginStopping(gracePeriod:)`` on the pool that `onEvent` receives.
    ///
    /// - Parameters:
    ///   - address: the name to take.
    ///   - reactors: their number. The default is one for each processor.
    ///   - configuration: the default is a 4-byte length framing and a name for this user only. Its limits hold for all
    ///     workers together.
    ///   - dealing: how clients are dealt to the workers. The default is to the one with the fewest connections.
    ///   - reactorConfiguration: the workers' reactors.
    ///   - onEvent: receives all events except messages. Those of connections are called on the thread of the
    ///     connection's worker, all others on the thread of the name: thus possibly at the same time, and a client may
    ///     be connected before `listening` is reported.
    ///   - handler: called once for each connection.
    /// - Returns: the fate of messages and connections of all workers together, after the stop.
    /// - Throws: as ``PipeServer/init(listeningOn:configuration:reactor:delegate:)``, and `CancellationError`.
    @discardableResult
    public static func serve(
        at address: PipeAddress, reactors: ReactorCount = .cores,
        configuration: PipeServer.Configuration = PipeServer.Configuration(), dealing: Dealing = .fewestConnections,
        reactorConfiguration: Reactor.Configuration = Reactor.Configuration(),
        onEvent: @escaping @Sendable (PipeServerPool, PipeServer.ServeEvent) -> Void = { _, _ in },
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> ShutdownReport {
        try Task.checkCancellation()
        return try await PipeServerPool(
            address, reactors, configuration, dealing, { onEvent($0, .init($1)) }, keepsThreads: true
        ).serve(.publish, reactorConfiguration, onEvent, handler)
    }

    /// Serves a socket that the service manager has made; see
    /// ``serve(at:reactors:configuration:dealing:reactorConfiguration:onEvent:handler:)`` and ``InheritedListener``.
    @discardableResult
    public static func serve(
        inheriting listener: InheritedListener, reactors: ReactorCount = .cores,
        configuration: PipeServer.Configuration = PipeServer.Configuration(), dealing: Dealing = .fewestConnections,
        reactorConfiguration: Reactor.Configuration = Reactor.Configuration(),
        onEvent: @escaping @Sendable (PipeServerPool, PipeServer.ServeEvent) -> Void = { _, _ in },
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> ShutdownReport {
        try Task.checkCancellation()
        return try await PipeServerPool(
            listener.address, reactors, configuration, dealing, { onEvent($0, .init($1)) }, keepsThreads: true
        ).serve(.inherit(listener), reactorConfiguration, onEvent, handler)
    }

    private func serve(
        _ entrance: Entrance, _ reactorConfiguration: Reactor.Configuration,
        _ onEvent: @escaping @Sendable (PipeServerPool, PipeServer.ServeEvent) -> Void,
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> ShutdownReport {
        let made = Mutex<[AsyncWorker]>([])
        try start(entrance, reactorConfiguration) { [self] server in
            let worker = AsyncWorker(server) { [self] _, event in
                if event.isOfConnection { onEvent(self, event) }
            }
            made.withLock { $0.append(worker) }
            return unsafe worker.delegate
        }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for worker in made.withLock({ $0 }) {
                    group.addTask(executorPreference: worker.executor) { await worker.serve(handler) }
                }
            }
        } onCancel: {
            beginStopping()
        }
        let report = await waitUntilStopped()
        // The threads were kept until here for handlers that were still running.
        endThreads()
        joinThreads()
        try Task.checkCancellation()
        return report
    }
}

/// A worker's server and the delegate whose connections tasks handle, on their way to the worker's own thread.
private final class AsyncWorker: Sendable {
    let executor: ReactorExecutor
    // Used on the worker's thread only, which makes and takes them.
    nonisolated(unsafe) let delegate: AsyncServerDelegate
    private nonisolated(unsafe) var server: PipeServer?

    init(_ server: PipeServer, _ onEvent: @escaping AsyncServerDelegate.EventHandler) {
        executor = server.reference.executor
        unsafe delegate = AsyncServerDelegate(onEvent: onEvent)
        unsafe self.server = server
        server.endpoint.leavesClosingToOwner = true
    }

    /// Handles its connections until the server has stopped. On the worker's thread.
    nonisolated(nonsending) func serve(
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async {
        guard let server = unsafe server.take() else { return }
        await unsafe delegate.handleConnections(of: server, on: executor, with: handler)
    }
}

extension PipeServer.ServeEvent {
    /// An event of a pool, as that of a server.
    package init(_ event: PipeServerPool.Event) {
        self =
            switch event {
            case .listening: .listening
            case .refused(let report): .refused(report)
            case .acceptFailed(let error): .acceptFailed(error)
            case .lostName(let loss): .lostName(loss)
            case .republishFailed(let error): .republishFailed(error)
            case .regainedName: .regainedName
            case .stopped: .stopped
            }
    }

    /// Whether it is about one connection. A pool reports the others itself, once.
    package var isOfConnection: Bool {
        switch self {
        case .connected, .disconnected, .handlerFailed: true
        case .listening, .refused, .acceptFailed, .lostName, .republishFailed, .regainedName, .skipped, .stopped: false
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
public import NamedPipes
internal import Synchronization

extension PipeProgram {
    /// Serves a name until a signal comes, with a child task for each connection: `PipeServer.serve`, announced as by
    /// `announce`. A handler that fails is reported on standard error (``warn(_:)``).
    ///
    /// The first signal stops the server gracefully: no more clients are accepted, handlers receive the messages that
    /// have arrived, and have the grace period to finish.
    ///
    /// - Parameters:
    ///   - address: the name to take.
    ///   - configuration: the default is a 4-byte length framing and a name for this user only.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    ///   - gracePeriod: how long the stop may take: see `PipeServer.stop(gracePeriod:)`. The default is 2 s.
    ///   - onEvent: receives all events except messages. Called on the reactor's thread. The default does nothing.
    ///   - handler: called once for each connection, on the reactor's thread.
    /// - Returns: the fate of messages and connections after the stop.
    /// - Throws: as `PipeServer.serve`; a `SystemError` if standard output cannot be written.
    @discardableResult
    public func serve(
        at address: PipeAddress, configuration: PipeServer.Configuration = PipeServer.Configuration(),
        on executor: ReactorExecutor? = nil, gracePeriod: Duration = .seconds(2),
        onEvent: @escaping @Sendable (PipeServer, PipeServer.ServeEvent) -> Void = { _, _ in },
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> ShutdownReport {
        try await whileServing { serving in
            try await PipeServer.serve(
                at: address, configuration: configuration, on: executor,
                onEvent: { server, event in
                    serving.note(event, in: self, at: server.address) { [reference = server.reference] in
                        reference.perform { $0.stop(gracePeriod: gracePeriod) }
                    }
                    onEvent(server, event)
                }, handler: handler)
        }
    }

    /// Serves a name on several reactors until a signal comes: `PipeServerPool.serve`, with announcement, reports and
    /// graceful stop as ``serve(at:configuration:on:gracePeriod:onEvent:handler:)`` has them.
    ///
    /// - Parameters:
    ///   - address: the name to take.
    ///   - reactors: their number, such as `.cores`: one for each processor.
    ///   - configuration: the default is a 4-byte length framing and a name for this user only. Its limits hold for all
    ///     workers together.
    ///   - gracePeriod: how long the stop may take: see `PipeServer.stop(gracePeriod:)`. The default is 2 s.
    ///   - onEvent: receives all events except messages, possibly on several threads at the same time. The default does
    ///     nothing.
    ///   - handler: called once for each connection, on the thread of its worker.
    /// - Returns: the fate of messages and connections of all workers together, after the stop.
    /// - Throws: as `PipeServerPool.serve`; a `SystemError` if standard output cannot be written.
    @discardableResult
    public func serve(
        at address: PipeAddress, reactors: ReactorCount,
        configuration: PipeServer.Configuration = PipeServer.Configuration(), gracePeriod: Duration = .seconds(2),
        onEvent: @escaping @Sendable (PipeServerPool, PipeServer.ServeEvent) -> Void = { _, _ in },
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> ShutdownReport {
        try await whileServing { serving in
            try await PipeServerPool.serve(
                at: address, reactors: reactors, configuration: configuration,
                onEvent: { pool, event in
                    serving.note(event, in: self, at: pool.address) { pool.beginStopping(gracePeriod: gracePeriod) }
                    onEvent(pool, event)
                }, handler: handler)
        }
    }

    private func whileServing(
        _ operation: @Sendable (Serving) async throws -> ShutdownReport
    ) async throws -> ShutdownReport {
        let serving = Serving()
        let key = stopRequest.add {
            Self.notifyManager(.stopping)
            serving.stop()
        }
        defer { stopRequest.remove(key) }
        let report = try await operation(serving)
        try serving.throwFailure()
        return report
    }

    /// Runs an operation that ends in order by a function of its own, such as a service group:
    ///
    /// ```swift
    /// let group = ServiceGroup(services: [echo], logger: logger)
    /// try await program.withStopHandler {
    ///     try await group.run()
    /// } onStop: {
    ///     await group.triggerGracefulShutdown()
    /// }
    /// ```
    ///
    /// Leave `gracefulShutdownSignals` of the group empty: the signals are the program's.
    ///
    /// - Parameters:
    ///   - operation: the operation.
    ///   - onStop: called with the first signal while the operation runs, instead of cancelling the program's task; at
    ///     once if the signal has come before. In a task of its own.
    /// - Returns: what the operation returns.
    /// - Throws: what the operation throws.
    public nonisolated(nonsending) func withStopHandler<Result>(
        _ operation: nonisolated(nonsending) () async throws -> Result, onStop: @escaping @Sendable () async -> Void
    ) async rethrows -> Result {
        let key = stopRequest.add { Task { await onStop() } }
        defer { stopRequest.remove(key) }
        return try await operation()
    }
}

/// A server that `serve` runs, which may be told to stop before it listens.
private final class Serving: Sendable {
    private struct State {
        var stopServer: (@Sendable () -> Void)?
        var isStopping = false
        var failure: SystemError?
    }

    private let state = Mutex(State())

    /// Called with the signal, on any thread.
    func stop() {
        let stopServer = state.withLock { state in
            state.isStopping = true
            return state.stopServer
        }
        stopServer?()
    }

    /// Called with each event of the server, which `stopServer` stops gracefully, from any thread.
    func note(
        _ event: PipeServer.ServeEvent, in program: PipeProgram, at address: PipeAddress,
        stopServer: @escaping @Sendable () -> Void
    ) {
        switch event {
        case .listening: begin(program, at: address, stopServer)
        case .handlerFailed(let id, let peer, let error): PipeProgram.warn("connection \(id) (\(peer)): \(error)")
        default: break
        }
    }

    private func begin(_ program: PipeProgram, at address: PipeAddress, _ stopServer: @escaping @Sendable () -> Void) {
        var failure: SystemError?
        do { try program.announce(address) } catch { failure = error }
        let isStopping = state.withLock { state in
            state.stopServer = stopServer
            state.failure = failure
            return state.isStopping || failure != nil
        }
        if isStopping { stopServer() }
    }

    /// Throws the error that has prevented the announcement.
    func throwFailure() throws(SystemError) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }
}

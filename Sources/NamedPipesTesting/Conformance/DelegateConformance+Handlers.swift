// SPDX-License-Identifier: Apache-2.0

extension DelegateConformance {
    /// Checks an `async` handler, as `PipeServer.serve` calls it for each connection.
    ///
    /// ```swift
    /// let violations = try DelegateConformance(messages: ["Ada"]).check { connection in
    ///     for try await message in connection.messages { try await connection.send(message) }
    /// }
    /// ```
    ///
    /// It is checked like a delegate: that it returns within ``patience`` when its peer has finished, and when its
    /// connection has ended in another way; that no reply is lost because it throws at the peer's finish; that it does
    /// not hold the loop; and what it leaves behind. Its sleeps use the reactor's clock; the check does not wait for
    /// anything that it awaits elsewhere.
    ///
    /// - Parameter handler: called once for each connection, on the network's reactor.
    /// - Returns: the violations; empty if there are none.
    /// - Throws: `SystemError` if no reactor can be made.
    public func check(
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) throws -> [ContractViolation] {
        try check(service: { _ in Nothing() }, handler: { _, connection in try await handler(connection) })
    }

    /// Checks an `async` handler together with its owner, such as an actor, which may not grow without bound either,
    /// and has to end with the run.
    ///
    /// - Parameters:
    ///   - makeService: makes a new owner for each history.
    ///   - handler: called once for each connection, on the network's reactor.
    /// - Returns: the violations; empty if there are none.
    /// - Throws: the errors of `makeService`, and `SystemError` if no reactor can be made.
    public func check<Service: AnyObject & Sendable>(
        service makeService: (Reactor) throws -> Service,
        handler: nonisolated(nonsending) @escaping @Sendable (Service, AsyncPipeConnection) async throws -> Void
    ) throws -> [ContractViolation] {
        // A handler that waits to send is not told that another part of the program has finished sending for it.
        let histories = histories(forClient: false).filter { !$0.finishesSending }
        return try run(histories) { history, network, watches in
            let watch = watches.first
            let service = try makeService(network.reactor)
            watch.keeper = service
            let handlers = ConformanceHandlers()
            watch.handlers = handlers
            return .server(
                try network.makeServer(history.vary(serverConfiguration), watch, handlers) { connection in
                    try await handler(service, connection)
                })
        }
    }
}

/// The owner of a handler without an owner.
private final class Nothing: Sendable {}

extension MemoryNetwork {
    /// Makes a server that calls a handler for each connection, with the watch between the two.
    fileprivate func makeServer(
        _ configuration: PipeServer.Configuration, _ watch: ContractWatch, _ handlers: ConformanceHandlers,
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) throws -> PipeServer {
        let executor = reactor.executor
        // All of them stay on this thread, on which the task runs as well.
        nonisolated(unsafe) weak let network = self
        nonisolated(unsafe) weak let weakWatch = watch
        nonisolated(unsafe) var server: PipeServer?
        handlers.hold(
            Task(executorPreference: executor) {
                _ = try await PipeServer.serve(
                    on: executor, { made, event in if case .listening = event { unsafe server = made } },
                    { connection in
                        handlers.didBegin()
                        defer { handlers.didEnd() }
                        try await handler(connection)
                    },
                    { _, delegate in
                        guard let network = unsafe network, let watch = unsafe weakWatch else {
                            throw CancellationError()
                        }
                        watch.target = delegate
                        return try network.makeServer(
                            at: ConformanceRun.name, configuration: configuration, delegate: watch)
                    })
            })
        settle()
        guard let made = unsafe server else { throw CancellationError() }
        return made
    }
}

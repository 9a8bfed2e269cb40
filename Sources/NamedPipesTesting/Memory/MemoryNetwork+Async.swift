// SPDX-License-Identifier: Apache-2.0

extension MemoryNetwork {
    /// Serves a name here with an `async` handler, as `PipeServer.serve` does over a socket: a child task for each
    /// connection, on the network's reactor.
    ///
    /// ```swift
    /// let network = try MemoryNetwork()
    /// network.serve(at: "echo") { connection in
    ///     for try await message in connection.messages { try await connection.send(message) }
    /// }
    /// try network.run(PeerScript([.send("hello"), .expect("hello"), .finish, .expectEnd]), against: "echo")
    /// ```
    ///
    /// The task runs while the network does: in ``settle()``, and while its clock goes on. The name is there when this
    /// returns. Cancel the task, or stop the server that `onEvent` gets, to end it; the network's end does so as well.
    ///
    /// - Parameters:
    ///   - name: what clients here call it.
    ///   - configuration: the default is a server's own; see ``makeServer(at:configuration:delegate:)``.
    ///   - onEvent: what happens beside the connections.
    ///   - handler: called once for each connection.
    /// - Returns: the task that serves. Its value is what became of messages and connections; it throws what
    ///   ``makeServer(at:configuration:delegate:)`` throws, and `CancellationError`.
    @discardableResult
    public func serve(
        at name: String, configuration: PipeServer.Configuration = PipeServer.Configuration(),
        onEvent: @escaping @Sendable (PipeServer, PipeServer.ServeEvent) -> Void = { _, _ in },
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) -> Task<ShutdownReport, any Error> {
        let executor = reactor.executor
        // Both stay on this thread, where the task runs as well.
        nonisolated(unsafe) weak let network = self
        let task = Task(executorPreference: executor) {
            try await PipeServer.serve(on: executor, onEvent, handler) { _, delegate in
                guard let network = unsafe network else { throw CancellationError() }
                return try network.makeServer(at: name, configuration: configuration, delegate: delegate)
            }
        }
        settle()
        return task
    }

    /// Connects to a server here, and is connected while a function runs, as `PipeClient.withConnection` does over a
    /// socket.
    ///
    /// The task runs while the network does: in ``settle()``, and while its clock goes on.
    ///
    /// - Parameters:
    ///   - name: what the server is called.
    ///   - configuration: the default is a client's own.
    ///   - body: what is done with the connection.
    /// - Returns: the task that does it. It throws as `PipeClient.withConnection`.
    @discardableResult
    public func withConnection<Result: Sendable>(
        to name: String, configuration: PipeClient.Configuration = PipeClient.Configuration(),
        _ body: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Result
    ) -> Task<Result, any Error> {
        let executor = reactor.executor
        // Both stay on this thread, where the task runs as well.
        nonisolated(unsafe) weak let network = self
        return Task(executorPreference: executor) {
            try await PipeClient.withConnection(configuration, on: executor, body) { configuration, _, delegate in
                guard let network = unsafe network else { throw CancellationError() }
                return try network.makeClient(to: name, configuration: configuration, delegate: delegate)
            }
        }
    }
}

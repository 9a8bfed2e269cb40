// SPDX-License-Identifier: Apache-2.0

extension MemoryNetwork {
    /// Serves a name in this network with an `async` handler, as `PipeServer.serve` does over a socket: a child task
    /// for each connection, on the network's reactor.
    ///
    /// ```swift
    /// let network = try MemoryNetwork()
    /// network.serve(at: "echo") { connection in
    ///     for try await message in connection.messages { try await connection.send(message) }
    /// }
    /// try network.run(PeerScript([.send("hello"), .expect("hello"), .finish, .expectEnd]), against: "echo")
    /// ```
    ///
    /// The task runs while the network does: in ``settle()``, and while its clock advances. The name is available when
    /// this returns. To end it, cancel the task, or stop the server that `onEvent` receives; the network's end does so
    /// as well.
    ///
    /// - Parameters:
    ///   - name: the name for clients of this network.
    ///   - configuration: the default is a server's default; see ``makeServer(at:configuration:delegate:)``.
    ///   - onEvent: receives all events except messages.
    ///   - handler: called once for each connection.
    /// - Returns: the task that serves. Its value is the fate of messages and connections; it throws the errors of
    ///   ``makeServer(at:configuration:delegate:)``, and `CancellationError`.
    @discardableResult
    public func serve(
        at name: String, configuration: PipeServer.Configuration = PipeServer.Configuration(),
        onEvent: @escaping @Sendable (PipeServer, PipeServer.ServeEvent) -> Void = { _, _ in },
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) -> Task<ShutdownReport, any Error> {
        let executor = reactor.executor
        // Both stay on this thread, on which the task runs as well.
        nonisolated(unsafe) weak let network = self
        let task = Task(executorPreference: executor) {
            try await PipeServer.serve(
                on: executor,
                { server, event in
                    if case .handlerFailed(_, _, let error) = event {
                        unsafe network?.handlerErrors[server.address] = "\(error)"
                    }
                    onEvent(server, event)
                }, handler
            ) { _, delegate in
                guard let network = unsafe network else { throw CancellationError() }
                return try network.makeServer(at: name, configuration: configuration, delegate: delegate)
            }
        }
        settle()
        return task
    }

    /// Connects to a server in this network, and stays connected while a function runs, as `PipeClient.withConnection`
    /// does over a socket.
    ///
    /// The task runs while the network does: in ``settle()``, and while its clock advances.
    ///
    /// - Parameters:
    ///   - name: the server's name.
    ///   - configuration: the default is a client's default.
    ///   - body: the function that uses the connection.
    /// - Returns: the task that runs it. It throws as `PipeClient.withConnection` does.
    @discardableResult
    public func withConnection<Result: Sendable>(
        to name: String, configuration: PipeClient.Configuration = PipeClient.Configuration(),
        _ body: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Result
    ) -> Task<Result, any Error> {
        let executor = reactor.executor
        // Both stay on this thread, on which the task runs as well.
        nonisolated(unsafe) weak let network = self
        return Task(executorPreference: executor) {
            try await PipeClient.withConnection(configuration, on: executor, body) { configuration, _, delegate in
                guard let network = unsafe network else { throw CancellationError() }
                return try network.makeClient(to: name, configuration: configuration, delegate: delegate)
            }
        }
    }
}

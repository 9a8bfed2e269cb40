// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

// The same server with a task for each connection. All of it runs on the reactor, which is on the main thread.

extension ServerSession {
    typealias AsyncHandler =
        nonisolated(nonsending) @Sendable (_ connection: AsyncPipeConnection, _ session: ServerSession) async throws ->
        Void

    /// Sends every message back, until a signal.
    func echo(
        _ destination: Destination?, _ wire: WireOptions, _ options: ServerOptions,
        announce: @escaping Announcement
    ) throws {
        try serve(destination, wire, options, announce: announce) { connection, session in
            try await session.echo(connection)
        }
    }

    /// Serves until a signal; a second one ends all tasks.
    ///
    /// - Parameters:
    ///   - announce: as for ``run(_:_:_:announce:)``.
    ///   - handler: called once for each connection.
    func serve(
        _ destination: Destination?, _ wire: WireOptions, _ options: ServerOptions,
        announce: @escaping Announcement, handler: @escaping AsyncHandler
    ) throws {
        var configuration = PipeConnection.Configuration()
        wire.apply(to: &configuration)
        try serve(destination, configuration, options, announce: announce, handler: handler)
    }

    /// The same with connections that have no options of the command line.
    func serve(
        _ destination: Destination?, _ connection: PipeConnection.Configuration, _ options: ServerOptions,
        announce: @escaping Announcement, handler: @escaping AsyncHandler
    ) throws {
        raiseDescriptorLimit()
        var configuration = PipeServer.Configuration()
        configuration.connection = connection
        // Used on the reactor's thread only.
        nonisolated(unsafe) let session = self
        let executor = reactor.executor
        task = Task(executorPreference: executor) { [configuration] in
            do {
                let place = try options.place(destination)
                _ = try await PipeServer.serve(on: executor) { server, event in
                    do {
                        try unsafe session.note(event, of: server, at: place, options, announce)
                    } catch {
                        unsafe session.fail(Failure(error))
                        server.stop()
                    }
                } _: { connection in
                    try await unsafe handler(connection, session)
                } _: { _, delegate in
                    try unsafe session.makeServer(at: place, configuration, delegate)
                }
            } catch is CancellationError {
                // Cancelled by the second signal.
            } catch {
                unsafe session.fail(Failure(error))
            }
            unsafe session.stopReactor()
        }
        reactor.run()
        try conclude(announce)
    }

    private nonisolated(nonsending) func echo(_ connection: AsyncPipeConnection) async throws {
        do {
            for try await message in connection.messages {
                count(message.byteCount)
                try await connection.send(message)
            }
            count(await connection.close(), of: "\(connection)")
        } catch PipeError.disconnected(let reason) {
            count(reason, of: "\(connection)")
        }
    }

    private func note(
        _ event: PipeServer.ServeEvent, of server: PipeServer, at place: ServerPlace, _ options: ServerOptions,
        _ announce: @escaping Announcement
    ) throws {
        switch event {
        case .listening: try attend(to: server, at: place, options, announce)
        case .refused(let report): self.server(server, didRefuse: report)
        case .acceptFailed(let error): self.server(server, didFailToAcceptWith: error)
        case .handlerFailed(let id, let peer, let error):
            complain("connection \(id) (\(peer)): \(Failure(error).message)", .connection)
        case .lostName(let loss): self.server(server, didLoseName: loss)
        case .republishFailed(let error): self.server(server, didFailToRepublish: error)
        case .skipped(let error): self.server(server, didSkip: error)
        case .connected, .disconnected, .regainedName, .stopped: break
        @unknown default: break
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

// The same server with a task for each connection. All of it runs on the reactor, which is on the main thread.

extension ServerSession {
    typealias AsyncHandler =
        nonisolated(nonsending) @Sendable (_ connection: AsyncPipeConnection, _ counter: MessageCounter) async throws ->
        Void

    /// Serves until a signal; a second one ends all tasks.
    ///
    /// - Parameters:
    ///   - announce: as for ``run(_:_:_:announce:)``.
    ///   - handler: called once for each connection.
    func serve(
        _ destination: Destination?, _ wire: WireOptions, _ options: ServerOptions,
        announce: @escaping Announcement, handler: @escaping AsyncHandler
    ) throws {
        try serve(
            destination, wire.serverConfiguration.connection, options, announce: announce, handler: handler)
    }

    /// The same with connections that have no options of the command line.
    func serve(
        _ destination: Destination?, _ connection: PipeConnection.Configuration, _ options: ServerOptions,
        announce: @escaping Announcement, handler: @escaping AsyncHandler
    ) throws {
        raiseDescriptorLimit()
        var configuration = PipeServer.Configuration()
        configuration.connection = connection
        options.apply(to: &configuration)
        log.follow(options.verbosity.level)
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
                    unsafe session.counter.didOpen("\(connection)")
                    try await unsafe handler(connection, session.counter)
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

    private func note(
        _ event: PipeServer.ServeEvent, of server: PipeServer, at place: ServerPlace, _ options: ServerOptions,
        _ announce: @escaping Announcement
    ) throws {
        switch event {
        case .listening: try attend(to: server, at: place, options, announce)
        case .refused(let report): self.server(server, didRefuse: report)
        case .acceptFailed(let error): self.server(server, didFailToAcceptWith: error)
        case .handlerFailed(let id, let peer, let error):
            log.didFail(error, "connection \(id) (\(peer))")
        case .lostName(let loss): self.server(server, didLoseName: loss)
        case .republishFailed(let error): self.server(server, didFailToRepublish: error)
        case .skipped(let error): self.server(server, didSkip: error)
        case .connected, .disconnected, .regainedName, .stopped: break
        @unknown default: break
        }
    }
}

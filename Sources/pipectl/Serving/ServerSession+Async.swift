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
        _ address: PipeAddress?, _ wire: WireOptions, _ options: ServerOptions,
        announce: @escaping Announcement, handler: @escaping AsyncHandler
    ) throws {
        raiseDescriptorLimit()
        let configuration = wire.serverConfiguration
        // Used on the reactor's thread only.
        nonisolated(unsafe) let session = self
        let executor = reactor.executor
        task = Task(executorPreference: executor) {
            do {
                let place = try options.place(address)
                try await place.serve(configuration, on: executor) { server, event in
                    do {
                        try unsafe session.note(event, of: server, options, announce)
                    } catch {
                        unsafe session.fail(Failure(error))
                        server.stop()
                    }
                } handler: { connection in
                    try await unsafe handler(connection, session.counter)
                }
            } catch is CancellationError {
                // Cancelled by the second signal.
            } catch {
                unsafe session.fail(Failure(error))
            }
            executor.stop()
        }
        reactor.run()
        try conclude(announce)
    }

    private func note(
        _ event: PipeServer.ServeEvent, of server: PipeServer, _ options: ServerOptions, _ announce: Announcement
    ) throws {
        switch event {
        case .listening: try attend(to: server, options, announce)
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

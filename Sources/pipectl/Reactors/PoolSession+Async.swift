// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

// The same pool with a task for each connection, on the thread of the connection's worker.

extension PoolSession {
    /// Serves until a signal; a second one ends all tasks.
    ///
    /// - Parameters:
    ///   - reactors: the number of reactors, and their configuration.
    ///   - home: the main thread's reactor.
    ///   - announce: receives the line that says that clients can connect, and the summary at the end.
    ///   - handler: called once for each connection, with a counter of its own.
    func serve(
        _ destination: Destination?, _ wire: WireOptions, _ options: ServerOptions,
        on reactors: (count: ReactorCount, configuration: Reactor.Configuration), home: Reactor,
        announce: @escaping ServerSession.Announcement, handler: @escaping ServerSession.AsyncHandler
    ) throws {
        raiseDescriptorLimit()
        // Made, used and released on the main thread.
        nonisolated(unsafe) var attendant: Attendant?
        let executor = home.executor
        log.follow(options.verbosity.level)
        var configuration = wire.serverConfiguration
        options.apply(to: &configuration)
        let task = Task { [configuration] in
            do {
                try await options.place(destination).servePool(configuration, reactors) { [self] pool, event in
                    note(event, of: pool)
                    guard case .listening = event else { return }
                    executor.post { [self] home in unsafe attendant = attend(to: pool, home, options, announce) }
                } handler: { [self] connection in
                    try await handle(connection, with: handler)
                }
            } catch is CancellationError {
                // The main thread has ended its loop.
            } catch {
                log.note(Failure(error))
            }
            executor.stop()
        }
        withExtendedLifetime(task) { home.run() }
        unsafe withExtendedLifetime(attendant) {}
        // The pool's events refer to it, and it to the pool.
        unsafe attendant = nil
        try conclude(announce)
    }

    private nonisolated(nonsending) func handle(
        _ connection: AsyncPipeConnection, with handler: ServerSession.AsyncHandler
    ) async throws {
        let counter = MessageCounter(log, handler: nil)
        defer { add(counter.tally) }
        counter.didOpen("\(connection)")
        try await handler(connection, counter)
    }

    private func note(_ event: PipeServer.ServeEvent, of pool: PipeServerPool) {
        switch event {
        case .refused(let report): log.didRefuse(report)
        case .acceptFailed(let error): log.didFailToAccept(error)
        case .handlerFailed(let id, let peer, let error): log.didFail(error, "connection \(id) (\(peer))")
        case .lostName(let loss): log.didLoseName(pool.address, loss, isPublished: false)
        case .republishFailed(let error): log.didFailToRepublish(pool.address, error)
        case .regainedName: log.didRegainName(pool.address)
        case .listening, .connected, .disconnected, .skipped, .stopped: break
        @unknown default: break
        }
    }
}

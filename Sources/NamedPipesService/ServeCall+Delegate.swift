// SPDX-License-Identifier: Apache-2.0
#if Service
internal import NamedPipes

extension ServeCall {
    /// Makes a delegate on a thread on which connections are served: of a plain server, or of one worker.
    typealias DelegateMaker = @Sendable (PipeServer) -> any PipeServerDelegate

    /// Serves with a delegate on one reactor, on its thread.
    func serve(
        on executor: ReactorExecutor, delegate makeDelegate: (Reactor) throws -> any PipeServerDelegate
    ) async throws -> ShutdownReport {
        try Task.checkCancellation()
        let reactor = executor.reactorOfThisThread
        let delegate = ObservedDelegate(try makeDelegate(reactor), observer.handle)
        let server = try makeServer(on: reactor, delegate)
        delegate.server = server
        observer.handle(server, .listening)
        let reference = server.reference
        await withTaskCancellationHandler {
            await withCheckedContinuation { delegate.waitForStop($0) }
        } onCancel: {
            reference.perform { $0.stop() }
        }
        try Task.checkCancellation()
        return server.shutdownReport ?? ShutdownReport()
    }

    private func makeServer(on reactor: Reactor, _ delegate: any PipeServerDelegate) throws(PipeError) -> PipeServer {
        switch place {
        case .address(let address):
            try PipeServer(listeningOn: address, configuration: configuration, reactor: reactor, delegate: delegate)
        case .inherited(let listener):
            try PipeServer(inheriting: listener, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    /// Serves with a delegate for each worker.
    func serve(
        with workers: PipeService.Workers, _ reactor: Reactor.Configuration,
        delegate makeDelegate: @escaping DelegateMaker
    ) async throws -> ShutdownReport {
        try Task.checkCancellation()
        let pool = try makePool(workers, reactor) { [observer] server in
            guard let pool = server.pool else { return makeDelegate(server) }
            let delegate = ObservedDelegate(makeDelegate(server)) { _, event in
                if event.isOfConnection { observer.handle(pool, event) }
            }
            delegate.server = server
            return delegate
        }
        let report = await withTaskCancellationHandler {
            await pool.waitUntilStopped()
        } onCancel: {
            pool.beginStopping()
        }
        try Task.checkCancellation()
        return report
    }

    private func makePool(
        _ workers: PipeService.Workers, _ reactor: Reactor.Configuration, _ makeDelegate: @escaping DelegateMaker
    ) throws(PipeError) -> PipeServerPool {
        let onEvent: @Sendable (PipeServerPool, PipeServerPool.Event) -> Void = { [observer] pool, event in
            observer.handle(pool, .init(event))
        }
        return switch place {
        case .address(let address):
            try PipeServerPool(
                listeningOn: address, reactors: workers.count, configuration: configuration, dealing: workers.dealing,
                reactorConfiguration: reactor, onEvent: onEvent, delegate: makeDelegate)
        case .inherited(let listener):
            try PipeServerPool(
                inheriting: listener, reactors: workers.count, configuration: configuration, dealing: workers.dealing,
                reactorConfiguration: reactor, onEvent: onEvent, delegate: makeDelegate)
        }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if Service
internal import NamedPipes

/// One run of a service, on its reactor: served by tasks, or by a delegate.
struct ServeCall: Sendable {
    typealias EventHandler = @Sendable (PipeServer, PipeServer.ServeEvent) -> Void

    private let place: PipeService.Place
    private let configuration: PipeServer.Configuration
    private let executor: ReactorExecutor
    private let onEvent: EventHandler

    init(
        _ place: PipeService.Place, _ configuration: PipeServer.Configuration, _ executor: ReactorExecutor,
        _ onEvent: @escaping EventHandler
    ) {
        self.place = place
        self.configuration = configuration
        self.executor = executor
        self.onEvent = onEvent
    }

    func serve(
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> ShutdownReport {
        switch place {
        case .address(let address):
            try await PipeServer.serve(
                at: address, configuration: configuration, on: executor, onEvent: onEvent, handler: handler)
        case .inherited(let listener):
            try await PipeServer.serve(
                inheriting: listener, configuration: configuration, on: executor, onEvent: onEvent, handler: handler)
        }
    }

    func serve(delegate makeDelegate: (Reactor) throws -> any PipeServerDelegate) async throws -> ShutdownReport {
        try Task.checkCancellation()
        let reactor = executor.reactorOfThisThread
        let delegate = ObservedDelegate(try makeDelegate(reactor), onEvent)
        let server = try makeServer(on: reactor, delegate)
        delegate.server = server
        onEvent(server, .listening)
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
}
#endif

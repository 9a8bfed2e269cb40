// SPDX-License-Identifier: Apache-2.0
#if Service
internal import NamedPipes

/// One run of a service: on its reactor or with a pool, served by tasks or by delegates.
struct ServeCall: Sendable {
    /// Where the connections are served.
    enum Stage: Sendable {
        /// On one reactor, on whose thread the call is made.
        case reactor(ReactorExecutor)
        /// On several, each with a thread of its own.
        case pool(PipeService.Workers, Reactor.Configuration)
    }

    let place: PipeService.Place
    let configuration: PipeServer.Configuration
    let stage: Stage
    let observer: ServerObserver

    init(
        _ place: PipeService.Place, _ configuration: PipeServer.Configuration, _ stage: Stage,
        _ observer: ServerObserver
    ) {
        self.place = place
        self.configuration = configuration
        self.stage = stage
        self.observer = observer
    }

    func serve(
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> ShutdownReport {
        switch (stage, place) {
        case (.reactor(let executor), .address(let address)):
            try await PipeServer.serve(
                at: address, configuration: configuration, on: executor, onEvent: observer.handle, handler: handler)
        case (.reactor(let executor), .inherited(let listener)):
            try await PipeServer.serve(
                inheriting: listener, configuration: configuration, on: executor, onEvent: observer.handle,
                handler: handler)
        case (.pool(let workers, let reactor), .address(let address)):
            try await PipeServerPool.serve(
                at: address, reactors: workers.count, configuration: configuration, dealing: workers.dealing,
                reactorConfiguration: reactor, onEvent: observer.handle, handler: handler)
        case (.pool(let workers, let reactor), .inherited(let listener)):
            try await PipeServerPool.serve(
                inheriting: listener, reactors: workers.count, configuration: configuration, dealing: workers.dealing,
                reactorConfiguration: reactor, onEvent: observer.handle, handler: handler)
        }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// The place at which a server listens.
enum ServerPlace: Sendable {
    case address(PipeAddress, takesOver: Bool)
    case inherited(InheritedListener)

    func makeServer(
        _ configuration: PipeServer.Configuration, _ reactor: Reactor, _ delegate: any PipeServerDelegate
    ) throws -> PipeServer {
        switch self {
        case .address(let address, let takesOver):
            try PipeServer(
                listeningOn: address,
                configuration: configuration.keepingName(takingOver: takesOver).admittingWriters(at: address),
                reactor: reactor, delegate: delegate)
        case .inherited(let listener):
            try PipeServer(inheriting: listener, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    func makePool(
        _ configuration: PipeServer.Configuration,
        _ reactors: (count: ReactorCount, configuration: Reactor.Configuration),
        onEvent: @escaping @Sendable (PipeServerPool, PipeServerPool.Event) -> Void,
        delegate: @escaping @Sendable (PipeServer) -> any PipeServerDelegate
    ) throws -> PipeServerPool {
        switch self {
        case .address(let address, let takesOver):
            try PipeServerPool(
                listeningOn: address, reactors: reactors.count,
                configuration: configuration.keepingName(takingOver: takesOver),
                reactorConfiguration: reactors.configuration, onEvent: onEvent, delegate: delegate)
        case .inherited(let listener):
            try PipeServerPool(
                inheriting: listener, reactors: reactors.count, configuration: configuration,
                reactorConfiguration: reactors.configuration, onEvent: onEvent, delegate: delegate)
        }
    }

    func servePool(
        _ configuration: PipeServer.Configuration,
        _ reactors: (count: ReactorCount, configuration: Reactor.Configuration),
        onEvent: @escaping @Sendable (PipeServerPool, PipeServer.ServeEvent) -> Void,
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws {
        switch self {
        case .address(let address, let takesOver):
            try await PipeServerPool.serve(
                at: address, reactors: reactors.count, configuration: configuration.keepingName(takingOver: takesOver),
                reactorConfiguration: reactors.configuration, onEvent: onEvent, handler: handler)
        case .inherited(let listener):
            try await PipeServerPool.serve(
                inheriting: listener, reactors: reactors.count, configuration: configuration,
                reactorConfiguration: reactors.configuration, onEvent: onEvent, handler: handler)
        }
    }

    func serve(
        _ configuration: PipeServer.Configuration, on executor: ReactorExecutor,
        onEvent: @escaping @Sendable (PipeServer, PipeServer.ServeEvent) -> Void,
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws {
        switch self {
        case .address(let address, let takesOver):
            try await PipeServer.serve(
                at: address,
                configuration: configuration.keepingName(takingOver: takesOver).admittingWriters(at: address),
                on: executor, onEvent: onEvent, handler: handler)
        case .inherited(let listener):
            try await PipeServer.serve(
                inheriting: listener, configuration: configuration, on: executor, onEvent: onEvent, handler: handler)
        }
    }
}

extension PipeServer.Configuration {
    /// Nobody can say who writes into a FIFO: its permissions decide, which are those of its user alone.
    fileprivate func admittingWriters(at address: PipeAddress) -> Self {
        guard address.kind == .fifo else { return self }
        var changed = self
        changed.accessPolicy = .anyUser
        return changed
    }

    /// There is no operator who would publish a lost name again, so the command does it itself.
    fileprivate func keepingName(takingOver takesOver: Bool) -> Self {
        var changed = self
        changed.nameLoss = .republish
        changed.existingServer = takesOver ? .takeOver : .refuse
        return changed
    }
}

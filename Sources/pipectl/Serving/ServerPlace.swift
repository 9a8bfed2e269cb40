// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes

/// The place at which a server listens.
enum ServerPlace: Sendable {
    case destination(Destination, takesOver: Bool)
    case inherited(InheritedListener)

    /// The way on which clients come.
    func makeAccess(_ reactor: Reactor) throws -> Access {
        switch self {
        case .destination(let destination, takesOver: _): try Access(to: destination, reactor)
        case .inherited: Access(reactor)
        }
    }

    func makeServer(
        _ configuration: PipeServer.Configuration, _ reactor: Reactor, _ access: Access,
        _ delegate: any PipeServerDelegate
    ) throws -> PipeServer {
        try access.makeServer(configuration, delegate) {
            try makeLocalServer(configuration, reactor, delegate)
        }
    }

    private func makeLocalServer(
        _ configuration: PipeServer.Configuration, _ reactor: Reactor, _ delegate: any PipeServerDelegate
    ) throws -> PipeServer {
        switch self {
        case .destination(.local(let address), let takesOver):
            try PipeServer(
                listeningOn: address,
                configuration: configuration.keepingName(takingOver: takesOver).admittingWriters(at: address),
                reactor: reactor, delegate: delegate)
        case .destination(.broker, takesOver: _): preconditionFailure("a broker has a link")
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
        case .destination(.local(let address), let takesOver):
            try PipeServerPool(
                listeningOn: address, reactors: reactors.count,
                configuration: configuration.keepingName(takingOver: takesOver),
                reactorConfiguration: reactors.configuration, onEvent: onEvent, delegate: delegate)
        case .destination(.broker, takesOver: _): preconditionFailure("refused with the command line")
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
        case .destination(.local(let address), let takesOver):
            try await PipeServerPool.serve(
                at: address, reactors: reactors.count, configuration: configuration.keepingName(takingOver: takesOver),
                reactorConfiguration: reactors.configuration, onEvent: onEvent, handler: handler)
        case .destination(.broker, takesOver: _): preconditionFailure("refused with the command line")
        case .inherited(let listener):
            try await PipeServerPool.serve(
                inheriting: listener, reactors: reactors.count, configuration: configuration,
                reactorConfiguration: reactors.configuration, onEvent: onEvent, handler: handler)
        }
    }

    /// What the operator should know of a server that was made here; nil if there is nothing.
    func remark(on server: PipeServer) -> String? {
        let address = server.address
        var status = stat()
        guard address.kind == .fifo, unsafe stat(address.text, &status) == 0 else { return nil }
        let (mode, wanted) = (UInt16(status.st_mode & 0o777), server.configuration.permissions.mode)
        guard mode != wanted else { return nil }
        return "\(address) was there already, and keeps its mode, 0\(String(mode, radix: 8))"
    }

    /// The address for the operator.
    func shownAddress(of server: PipeServer) -> String {
        if case .destination(.broker(let address), takesOver: _) = self { return "\(address)" }
        return "\(server.address)"
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

// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// A command's way to a name: directly, or over a link to a broker, which ends with the command.
final class Access {
    private let reactor: Reactor
    private let uplink: Uplink?

    /// Nothing beyond this machine.
    init(_ reactor: Reactor) {
        self.reactor = reactor
        uplink = nil
    }

    init(to destination: Destination, _ reactor: Reactor) throws {
        self.reactor = reactor
        uplink =
            switch destination {
            case .local: nil
            case .broker(let address): try Uplink(address, reactor)
            }
    }

    /// Receives what the operator should know, besides what ends a command.
    func onTrouble(_ report: @escaping (String) -> Void) { uplink?.onTrouble = report }

    /// - Parameter local: makes the client of a local name.
    func makeClient(
        _ configuration: PipeClient.Configuration, _ delegate: any PipeClientDelegate, local: () -> PipeClient
    ) -> PipeClient {
        uplink?.makeClient(configuration, delegate) ?? local()
    }

    /// - Parameter local: makes the server of a local name.
    func makeServer(
        _ configuration: PipeServer.Configuration, _ delegate: any PipeServerDelegate,
        local: () throws -> PipeServer
    ) rethrows -> PipeServer {
        try uplink?.makeServer(configuration, delegate) ?? local()
    }

    /// Calls a function once, when clients find the server, which exists; at once on this machine.
    func whenListening(_ body: @escaping (Result<Void, Failure>) -> Void) {
        guard let uplink else { return body(.success(())) }
        uplink.whenListening(body)
    }

    /// Calls a function when nothing that was sent is in this process any more; at once on this machine.
    func end(_ body: @escaping () -> Void) {
        guard let uplink else { return body() }
        uplink.end(body)
    }

    /// Stops the loop, at the end of a command.
    func stopReactor() { end { [reactor] in reactor.stop() } }
}

extension Destination {
    /// Makes a client, and the way on which it goes.
    func makeClient(
        _ configuration: PipeClient.Configuration, _ reactor: Reactor, _ delegate: any PipeClientDelegate
    ) throws -> (PipeClient, Access) {
        do {
            let access = try Access(to: self, reactor)
            return (makeClient(over: access, configuration, reactor, delegate), access)
        } catch {
            throw Failure(error)
        }
    }

    /// Makes one more client on a way that exists.
    func makeClient(
        over access: Access, _ configuration: PipeClient.Configuration, _ reactor: Reactor,
        _ delegate: any PipeClientDelegate
    ) -> PipeClient {
        access.makeClient(configuration, delegate) {
            guard case .local(let address) = self else { preconditionFailure("a broker has a link") }
            return PipeClient(address: address, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    /// As `PipeClient.withConnection(to:configuration:on:_:)`, for a task on the reactor.
    func withConnection<Result: Sendable>(
        _ configuration: PipeClient.Configuration, on executor: ReactorExecutor,
        _ body: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Result
    ) async throws -> Result {
        // Used on the reactor's thread only, as the task is.
        nonisolated(unsafe) var access: Access?
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(
                try await PipeClient.withConnection(configuration, on: executor, body) {
                    configuration, reactor, delegate in
                    let (client, way) = try makeClient(configuration, reactor, delegate)
                    unsafe access = way
                    return client
                })
        } catch {
            outcome = .failure(error)
        }
        await withCheckedContinuation { continuation in
            if let access = unsafe access { access.end { continuation.resume() } } else { continuation.resume() }
        }
        return try outcome.get()
    }
}

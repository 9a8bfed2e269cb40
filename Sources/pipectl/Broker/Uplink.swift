// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

#if NATS
internal import NamedPipesNATS

/// The link of a command to its broker: from its only server or client to the last byte that the broker has taken.
final class Uplink {
    private let link: NATSLink
    private let name: NATSName
    /// Whether clients find the server, once that is known.
    private var onListening: ((Result<Void, Failure>) -> Void)?
    private var onEnd: () -> Void = {}
    /// Receives what the operator should know of the link, besides what ends a command.
    var onTrouble: (String) -> Void = { _ in }

    init(_ address: BrokerAddress, _ reactor: Reactor) throws {
        link = try NATSLink(
            servers: [address.address.server], configuration: try .ofEnvironment(for: address),
            reactor: reactor)
        name = try link.name(address.address.name)
        link.onEvent = { [weak self] in self?.handle($0) }
    }

    func makeClient(_ configuration: PipeClient.Configuration, _ delegate: any PipeClientDelegate) -> PipeClient {
        PipeClient(connectingTo: name, configuration: configuration, delegate: delegate)
    }

    /// Admits every client that the broker's permissions let in: the operator has named the broker.
    func makeServer(_ configuration: PipeServer.Configuration, _ delegate: any PipeServerDelegate) -> PipeServer {
        PipeServer(listeningOn: name, admitting: .everyone, configuration: configuration, delegate: delegate)
    }

    /// Calls a function once, when clients find the server, or the first attempt to connect has failed.
    func whenListening(_ body: @escaping (Result<Void, Failure>) -> Void) {
        onListening = body
        link.whenReadByBroker { [weak self] in self?.onListening.take()?(.success(())) }
    }

    /// Calls a function when the broker has taken everything, or takes nothing more.
    func end(_ body: @escaping () -> Void) {
        guard link.state != .closed else { return body() }
        onEnd = body
        link.close()
    }

    /// Calls a method of a service there, without a session, and ends the link.
    ///
    /// - Throws: what the link throws; nil is returned if no service answers.
    static func request(
        _ address: BrokerAddress, _ method: String, _ params: JSONText?, timeout: Duration, on executor: ReactorExecutor
    ) async throws -> JSONText? {
        // Used on the reactor's thread only, as the task is.
        nonisolated(unsafe) var uplink: Uplink?
        let outcome: Result<JSONText?, any Error>
        do {
            let link = try await withCheckedThrowingContinuation { continuation in
                let isPosted = executor.post { reactor in
                    continuation.resume(
                        with: Result {
                            let made = try Uplink(address, reactor)
                            unsafe uplink = made
                            return made.link.reference
                        })
                }
                precondition(isPosted, "this task runs on the reactor")
            }
            outcome = .success(
                try await link.requestJSON(address.address.name, method, params, timeout: timeout))
        } catch NATSError.noServer {
            outcome = .success(nil)
        } catch {
            outcome = .failure(error)
        }
        await withCheckedContinuation { continuation in
            if let uplink = unsafe uplink { uplink.end { continuation.resume() } } else { continuation.resume() }
        }
        return try outcome.get()
    }

    private func handle(_ event: NATSLink.Event) {
        switch event {
        case .state(.waiting(_, let error)):
            guard let onListening = onListening.take() else { return onTrouble("\(error); connecting again") }
            onListening(.failure(Failure("\(error)")))
        case .state(.closed): onEnd()
        case .refused(let error): onTrouble("\(error)")
        case .state: break
        @unknown default: break
        }
    }
}
#else
/// There is no link to a broker in a build that cannot reach one, and no address from which one could be made.
final class Uplink {
    var onTrouble: (String) -> Void = { _ in }

    init(_ address: BrokerAddress, _ reactor: Reactor) throws { throw Failure("no link leads to \(address)") }

    func makeClient(_: PipeClient.Configuration, _: any PipeClientDelegate) -> PipeClient { preconditionFailure() }

    func makeServer(_: PipeServer.Configuration, _: any PipeServerDelegate) -> PipeServer { preconditionFailure() }

    func whenListening(_: @escaping (Result<Void, Failure>) -> Void) { preconditionFailure() }

    func end(_: @escaping () -> Void) { preconditionFailure() }

    static func request(
        _: BrokerAddress, _: String, _: JSONText?, timeout _: Duration, on _: ReactorExecutor
    ) async throws -> JSONText? {
        preconditionFailure()
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization

/// A server that runs while a test's function does.
struct Serving: Sendable {
    let address: PipeAddress
    let server: ReactorReference<PipeServer>
    let events: Events

    /// The server's events, in order.
    final class Events: Sendable {
        private let log = Mutex<[PipeServer.ServeEvent]>([])

        func add(_ event: PipeServer.ServeEvent) { log.withLock { $0.append(event) } }

        var texts: [String] {
            log.withLock { events in
                events.map { event in
                    switch event {
                    case .connected: "connected"
                    case .disconnected(_, _, let reason): "disconnected \(reason.kind)"
                    default: "\(event)"
                    }
                }
            }
        }

        var failures: [String] {
            log.withLock { $0.compactMap { if case .handlerFailed(_, _, let error) = $0 { "\(error)" } else { nil } } }
        }
    }

    /// Serves, calls the function once clients can connect, and ends with it.
    ///
    /// - Returns: what the function returns, and the report of the server if it was stopped rather than cancelled.
    static func run<Result: Sendable>(
        _ configuration: PipeServer.Configuration = PipeServer.Configuration(), on executor: ReactorExecutor? = nil,
        handler: @escaping @Sendable (AsyncPipeConnection) async throws -> Void,
        while body: @escaping @Sendable (Serving) async throws -> Result
    ) async throws -> (Result, ShutdownReport?) {
        let address = try PipeAddress.unique(prefix: "async")
        let events = Events()
        let (listening, announce) = AsyncStream.makeStream(of: ReactorReference<PipeServer>.self)
        return try await withThrowingTaskGroup(of: ShutdownReport?.self) { group in
            group.addTask {
                defer { announce.finish() }
                do {
                    return try await PipeServer.serve(
                        at: address, configuration: configuration, on: executor,
                        onEvent: { server, event in
                            if case .listening = event { announce.yield(server.reference) }
                            events.add(event)
                        }, handler: handler)
                } catch is CancellationError {
                    return nil
                }
            }
            guard let server = await listening.first(where: { _ in true }) else {
                _ = try await group.next()
                throw PipeError.notConnected(.notBegun)
            }
            let result = try await body(Serving(address: address, server: server, events: events))
            group.cancelAll()
            return (result, try await group.next().flatMap { $0 })
        }
    }
}

/// Sends every message back.
@Sendable func echo(_ connection: AsyncPipeConnection) async throws {
    for try await message in connection.messages { try await connection.send(message) }
}

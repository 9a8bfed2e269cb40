// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Synchronization

/// A server that answers JSON-RPC while a test's function talks to it.
struct Conversation: Sendable {
    var methods = JSONRPCMethods()
    var configuration = JSONRPCPeer.Configuration()
    var framing: any MessageFraming = LengthPrefixFraming()
    /// What the server has received beside requests.
    let events = Events()

    /// Calls a function with the client's peer.
    func run<Result: Sendable>(
        clientMethods: JSONRPCMethods = JSONRPCMethods(),
        clientConfiguration: JSONRPCPeer.Configuration = JSONRPCPeer.Configuration(),
        _ body: @escaping @Sendable (JSONRPCPeer) async throws -> Result
    ) async throws -> Result {
        try await runRaw { connection in
            try await JSONRPCPeer.run(
                on: connection, methods: clientMethods, configuration: clientConfiguration, body)
        }
    }

    /// Calls a function with the client's connection, for messages that no correct peer would send.
    func runRaw<Result: Sendable>(
        _ body: @escaping @Sendable (AsyncPipeConnection) async throws -> Result
    ) async throws -> Result {
        var configuration = configuration
        configuration.onEvent = { [events] in events.add($0) }
        let server: @Sendable (AsyncPipeConnection) async throws -> Void = { [methods, configuration] connection in
            try await JSONRPCPeer.serve(connection, methods: methods, configuration: configuration)
        }
        return try await serve(server) { address in
            var client = PipeClient.Configuration()
            client.connection.framing = framing
            client.connection.writeStallDeadline = nil
            return try await PipeClient.withConnection(to: address, configuration: client, body)
        }
    }

    /// Serves with any function, and calls another one once clients can connect.
    func serve<Result: Sendable>(
        _ handler: @escaping @Sendable (AsyncPipeConnection) async throws -> Void,
        while body: @escaping @Sendable (PipeAddress) async throws -> Result
    ) async throws -> Result {
        let address = try PipeAddress.unique(prefix: "rpc")
        var server = PipeServer.Configuration()
        server.connection.framing = framing
        // The time that the machine takes to read is not what is tested.
        server.connection.writeStallDeadline = nil
        let (listening, announce) = AsyncStream.makeStream(of: Void.self)
        return try await withThrowingTaskGroup(of: Void.self) { [server] group in
            group.addTask {
                defer { announce.finish() }
                _ = try await PipeServer.serve(
                    at: address, configuration: server,
                    onEvent: { _, event in if case .listening = event { announce.yield() } }, handler: handler)
            }
            for await _ in listening { break }
            let result = try await body(address)
            group.cancelAll()
            return result
        }
    }
}

/// A list of texts in order.
final class Events: Sendable {
    private let log = Mutex<[String]>([])

    func add(_ event: JSONRPCPeer.Event) { note("\(event)") }

    func note(_ text: String) { log.withLock { $0.append(text) } }

    var texts: [String] { log.withLock { $0 } }
}

/// A door: one side waits until the other opens it.
struct Door: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func open() { continuation.yield() }

    /// - Throws: `CancellationError`, if the task is cancelled meanwhile.
    func wait() async throws {
        for await _ in stream { return }
        throw CancellationError()
    }
}

extension AsyncPipeConnection {
    /// Sends a text and returns the next message as text.
    func ask(_ text: String) async throws -> String? {
        try await send(text)
        return try await nextText()
    }

    func nextText() async throws -> String? { try await nextMessage().flatMap { String(copying: $0) } }
}

extension Array<UInt8> {
    init(copying bytes: Span<UInt8>) { self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) } }
}

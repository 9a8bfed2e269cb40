// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

@Suite struct `A server's numbers beside its name` {
    @Test func `are sent to every client that asks`() async throws {
        let address = try PipeAddress.abstract("numbers-\(UInt64.random(in: .min ... .max))")
        try await withServer(at: address) {
            let before = try await snapshot(beside: address)
            #expect(before.address == address.description)
            #expect(before.acceptedCount == 0)
            #expect(before.loop == nil)
            #expect(before.framing == "length")
            try await PipeClient.withConnection(to: address) { connection in
                try await connection.send("hello")
                _ = try await connection.nextMessage()
                let during = try await StatisticsEndpoint.ask(beside: address, timeout: .seconds(600))
                #expect(during.openCount == 1)
                #expect(during.receivedMessageCount == 1)
                #expect(during.sentByteCount == 9)
                #expect(during.seconds > before.seconds)
            }
            let after = try await snapshot(beside: address) { $0.openCount == 0 }
            #expect(after.closed == ["closedByPeer": 1])
            #expect(after.refused.isEmpty)
        }
    }

    @Test func `are lines of JSON-RPC for every other program`() async throws {
        let address = try PipeAddress.abstract("numbers-\(UInt64.random(in: .min ... .max))")
        try await withServer(at: address) {
            _ = try await snapshot(beside: address)
            var configuration = PipeClient.Configuration()
            configuration.connection.framing = DelimiterFraming.newline
            let beside = try StatisticsEndpoint.address(beside: address)
            try await PipeClient.withConnection(to: beside, configuration: configuration) { connection in
                try await connection.send(#"{"jsonrpc": "2.0", "id": 7, "method": "statistics"}"#)
                let reply = try #require(try await connection.nextMessage())
                let text = String(copying: reply) ?? ""
                #expect(text.contains(#""id":7"#))
                #expect(text.contains(#""openCount":0"#))
                try await connection.send(#"{"jsonrpc": "2.0", "id": 8, "method": "anything else"}"#)
                let refused = try #require(try await connection.nextMessage())
                #expect(String(copying: refused)?.contains("-32601") == true)
            }
        }
    }

    @Test func `have a name that says which server they are of`() throws {
        let beside = try StatisticsEndpoint.address(beside: .path("/run/app/pipe.sock"))
        #expect(beside == (try .path("/run/app/pipe.sock.stat")))
        #expect(try StatisticsEndpoint.address(beside: .abstract("a")) == .abstract("a.stat"))
        let long = try PipeAddress.abstract(String(repeating: "x", count: 103))
        #expect(throws: PipeError.self) { try StatisticsEndpoint.address(beside: long) }
    }

    /// An echo server with its statistics, while a function runs.
    private func withServer(
        at address: PipeAddress, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withEndpoint { try await serving(at: address, body) }
    }

    private func serving(
        at address: PipeAddress, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let (servers, continuation) = AsyncStream<ReactorReference<PipeServer>>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await PipeServer.serve(
                    at: address,
                    onEvent: { server, event in if case .listening = event { continuation.yield(server.reference) } }
                ) { connection in
                    for try await message in connection.messages { try await connection.send(message) }
                }
            }
            group.addTask {
                var iterator = servers.makeAsyncIterator()
                let server = try #require(await iterator.next())
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await StatisticsEndpoint.serve(server, beside: address) }
                    try await body()
                    group.cancelAll()
                }
            }
            // Either end may be the first to finish; the cancellation is no failure.
            try await group.next()
            group.cancelAll()
        }
    }

    private func snapshot(
        beside address: PipeAddress, _ condition: (ServerSnapshot) -> Bool = { _ in true }
    ) async throws -> ServerSnapshot {
        try await answer(condition) { try await StatisticsEndpoint.ask(beside: address, timeout: .seconds(600)) }
    }
}

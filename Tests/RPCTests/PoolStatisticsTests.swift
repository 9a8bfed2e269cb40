// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import NamedPipes
import Testing

@testable import NamedPipesRPC

@Suite struct `A pool's numbers beside its name` {
    @Test func `are the sum, and those of each worker for a client that asks`() async throws {
        try await withPool { pool in
            let before = try await snapshot(beside: pool.address)
            #expect(before.workers.count == 2 && before.framing == "length")
            #expect(before.address == pool.address.description && before.openCount == 0)
            try await PipeClient.withConnection(to: pool.address) { connection in
                try await connection.send("hello")
                _ = try await connection.nextMessage()
                let during = try await StatisticsEndpoint.ask(beside: pool.address, timeout: .seconds(600))
                #expect(during.openCount == 1 && during.receivedMessageCount == 1)
                #expect(during.workers.map(\.openCount).sorted() == [0, 1])
                #expect(during.workers.map(\.sentByteCount).sorted() == [0, 9])
            }
            let after = try await snapshot(beside: pool.address) { $0.openCount == 0 }
            #expect(after.closed == ["closedByPeer": 1])
            #expect(after.workers.map { $0.closed["closedByPeer", default: 0] }.sorted() == [0, 1])
        }
    }

    @Test func `are as short as a plain server's for a client that does not know of workers`() async throws {
        try await withPool { pool in
            _ = try await snapshot(beside: pool.address)
            var configuration = PipeClient.Configuration()
            configuration.connection.framing = DelimiterFraming.newline
            let beside = try StatisticsEndpoint.address(beside: pool.address)
            try await PipeClient.withConnection(to: beside, configuration: configuration) { connection in
                for params in ["", #", "params": {}"#, #", "params": [true]"#, #", "params": {"workers": 1}"#] {
                    try await connection.send(#"{"jsonrpc": "2.0", "id": 7, "method": "statistics"\#(params)}"#)
                    let text = try #require(try await connection.nextMessage().flatMap { String(copying: $0) })
                    #expect(text.contains(#""openCount":0"#) && !text.contains("workers"), "\(text)")
                }
                try await connection.send(
                    #"{"jsonrpc": "2.0", "id": 7, "method": "statistics", "params": {"workers": true}}"#)
                let text = try #require(try await connection.nextMessage().flatMap { String(copying: $0) })
                #expect(text.contains(#""workers":[{"#))
            }
        }
    }

    @Test func `are an error once the pool has stopped`() async throws {
        try await withPool { pool in
            _ = try await snapshot(beside: pool.address)
            await pool.stop()
            await #expect(throws: JSONRPCError.self) {
                try await StatisticsEndpoint.ask(beside: pool.address, timeout: .seconds(600))
            }
        }
    }

    @Test func `survive their own JSON, also with what another version adds or lacks`() throws {
        var counts = ServerCounts()
        counts.openCount = 3
        var numbers = PipeServer.Statistics()
        numbers.counts = counts
        numbers.closedCounts = [.closedByPeer: 2]
        let loop = Reactor.Statistics()
        let worker = ServerSnapshot.Worker(numbers, loop)
        let text = String(decoding: try JSONEncoder().encode(worker), as: UTF8.self)
        #expect(try JSONDecoder().decode(ServerSnapshot.Worker.self, from: Data(text.utf8)) == worker)
        let older = #"{"closed": {}, "refused": {}, "openCount": 3, "a later counter": 4}"#
        let decoded = try JSONDecoder().decode(ServerSnapshot.Worker.self, from: Data(older.utf8))
        #expect(decoded.openCount == 3 && decoded.sentMessageCount == 0 && decoded.loop == nil)
        let plain = #"{"address": "@a", "processID": 1, "seconds": 2, "closed": {}, "refused": {}, "openCount": 3}"#
        #expect(try JSONDecoder().decode(ServerSnapshot.self, from: Data(plain.utf8)).workers.isEmpty)
    }

    /// An echo pool of two workers with its statistics, while a function runs.
    private func withPool(_ body: @escaping @Sendable (PipeServerPool) async throws -> Void) async throws {
        let address = try PipeAddress.abstract("numbers-\(UInt64.random(in: .min ... .max))")
        let pool = try PipeServerPool(listeningOn: address, reactors: 2) { _ in Echo() }
        do {
            try await withEndpoint {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await StatisticsEndpoint.serve(pool, beside: address) }
                    try await body(pool)
                    group.cancelAll()
                }
            }
        } catch {
            await pool.stop()
            throw error
        }
        await pool.stop()
    }

    private func snapshot(
        beside address: PipeAddress, _ condition: (ServerSnapshot) -> Bool = { _ in true }
    ) async throws -> ServerSnapshot {
        try await answer(condition) { try await StatisticsEndpoint.ask(beside: address, timeout: .seconds(600)) }
    }
}

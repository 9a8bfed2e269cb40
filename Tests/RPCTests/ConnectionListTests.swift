// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import Testing

@Suite struct `A server's connections beside its name` {
    @Test(arguments: [1, 2]) func `are listed with what they have carried, in the order that is asked for`(
        reactors: Int
    ) async throws {
        try await withOfferingServer(reactors: reactors) { address in
            try await withClients(of: address, sending: [0, 3, 1]) {
                let list = try await listed(beside: address, order: .received) { list in
                    list.connections.compactMap(\.receivedMessageCount) == [3, 1, 0]
                }
                #expect(list.totalCount == 3)
                #expect(list.connections.compactMap(\.sentMessageCount) == [3, 1, 0])
                #expect(list.connections.map(\.receivedByteCount) == [27, 9, 0])
                #expect(list.connections.allSatisfy { ($0.ageSeconds ?? -1) >= ($0.idleSeconds ?? 0) })
                #expect(Set(list.connections.map(\.id)).count == 3)
                #expect(list.connections.allSatisfy { $0.id.contains("/") == (reactors > 1) })
                let first = try await StatisticsEndpoint.connections(
                    beside: address, order: .received, limit: 1, timeout: .seconds(600))
                #expect(first.connections.map(\.id) == [list.connections[0].id] && first.totalCount == 3)
            }
        }
    }

    @Test func `are at most a thousand in one answer`() async throws {
        try await withOfferingServer(reactors: 1) { address in
            _ = try await listed(beside: address, order: .age)
            for limit in [0, -1, ConnectionList.maximumCount + 1] {
                await #expect(throws: JSONRPCError.self) {
                    try await StatisticsEndpoint.connections(beside: address, limit: limit, timeout: .seconds(600))
                }
            }
        }
    }

    @Test(arguments: [1, 2]) func `are ended where the owner offers that, and nowhere else`(
        reactors: Int
    ) async throws {
        try await withOfferingServer(reactors: reactors, offering: .kick) { address in
            let ended = try await PipeClient.withConnection(to: address) { connection in
                let list = try await listed(beside: address, order: .age) { $0.totalCount == 1 }
                #expect(try await end("no.such", beside: address) == false)
                #expect(try await end(list.connections[0].id, beside: address))
                return try await connection.nextMessage() == nil
            }
            #expect(ended)
            _ = try await listed(beside: address, order: .age) { $0.totalCount == 0 }
        }
        try await withOfferingServer(reactors: reactors) { address in
            _ = try await listed(beside: address, order: .age)
            let error = await #expect(throws: JSONRPCError.self) {
                try await end("2.1", beside: address)
            }
            #expect(error?.code == .methodNotFound)
        }
    }

    /// Opens a client for each count, which sends that many messages and reads the answers.
    private func withClients(
        of address: PipeAddress, sending counts: [Int], _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        guard let count = counts.first else { return try await body() }
        try await PipeClient.withConnection(to: address) { connection in
            for _ in 0..<count {
                try await connection.send("hello")
                _ = try await connection.nextMessage()
            }
            try await withClients(of: address, sending: Array(counts.dropFirst()), body)
        }
    }

    private func end(_ id: String, beside address: PipeAddress) async throws -> Bool {
        try await StatisticsEndpoint.disconnect(id, beside: address, timeout: .seconds(600))
    }

    private func listed(
        beside address: PipeAddress, order: ConnectionList.Order, _ condition: (ConnectionList) -> Bool = { _ in true }
    ) async throws -> ConnectionList {
        try await answer(condition) {
            try await StatisticsEndpoint.connections(beside: address, order: order, timeout: .seconds(600))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct `80 · Above the limit of pending requests` {
    static func limited(to limit: Int) -> JSONRPCPeer.Configuration {
        var configuration = JSONRPCPeer.Configuration()
        configuration.pendingRequestLimit = limit
        return configuration
    }

    /// A server whose method `wait` waits for the door.
    static func waiting(_ begun: Door, _ door: Door) -> Conversation {
        var conversation = Conversation(methods: .arithmetic)
        conversation.methods.handle("wait") { _ in
            begun.open()
            try await door.wait()
        }
        return conversation
    }

    @Test(arguments: [1, 3, 1024])
    func `requests wait for a place, and all have their replies`(limit: Int) async throws {
        try await Conversation(methods: .arithmetic).run(clientConfiguration: Self.limited(to: limit)) { peer in
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<2000 {
                    group.addTask(executorPreference: OtherThreads.shared) {
                        try await peer.request("sum", [number, 1])
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 2000 * 1999 / 2 + 2000)
            #expect(await peer.pendingRequestCount == 0)
        }
    }

    @Test func `a request that is given up while it waits was never sent, and the next one has its place`() async throws
    {
        let (begun, door) = (Door(), Door())
        let conversation = Self.waiting(begun, door)
        try await conversation.run(clientConfiguration: Self.limited(to: 1)) { peer in
            async let first: Void = peer.request("wait")
            try await begun.wait()
            await expectFailure("no reply within 0.02 seconds") {
                try await peer.request("fail", timeout: .milliseconds(20))
            }
            let cancelled = Task { try await peer.request("fail") }
            let last = Task { try await peer.request("ping") as String }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            door.open()
            try await first
            let pong = try await last.value
            #expect(pong == "pong")
        }
        // Neither did `fail` run, nor was the server told to cancel a request that it never got.
        #expect(conversation.events.texts == [])
    }

    @Test func `requests that wait throw when the connection ends`() async throws {
        let (begun, door) = (Door(), Door())
        try await Self.waiting(begun, door).run(clientConfiguration: Self.limited(to: 1)) { peer in
            let requests = (0..<10).map { _ in Task { try await peer.request("wait") } }
            try await begun.wait()
            await peer.connection.abort()
            for request in requests {
                await #expect(throws: JSONRPCRequestFailure.self) { try await request.value }
            }
        }
    }

    @Test func `a batch waits until all of it has places, and one that never can have them is not sent`() async throws {
        let (begun, door) = (Door(), Door())
        try await Self.waiting(begun, door).run(clientConfiguration: Self.limited(to: 2)) { peer in
            async let first: Void = peer.request("wait")
            try await begun.wait()
            var batch = JSONRPCBatch()
            let one = try batch.request("ping", [Int](), returning: String.self)
            let two = try batch.request("ping", [Int](), returning: String.self)
            let waiting = Task { [batch] in try await peer.send(batch) }
            _ = try batch.request("ping", [Int](), returning: String.self)
            await expectFailure("the limit of 2 pending requests is reached") { _ = try await peer.send(batch) }
            door.open()
            try await first
            let replies = try await waiting.value
            #expect(try [replies.value(of: one), replies.value(of: two)] == ["pong", "pong"])
        }
    }

    @Test func `a batch of notifications sets no time limit, which would keep the peer alive`() async throws {
        var configuration = JSONRPCPeer.Configuration()
        configuration.requestTimeout = .seconds(3600)
        let kept = Kept()
        try await Conversation(methods: .arithmetic).serve { connection in
            for try await _ in connection.messages {}
        } while: { [configuration] address in
            try await PipeClient.withConnection(to: address) { connection in
                try await JSONRPCPeer.run(on: connection, configuration: configuration) { peer in
                    kept.keep(peer)
                    var batch = JSONRPCBatch()
                    try batch.notify("nothing", [1])
                    _ = try await peer.send(batch)
                }
                // The task that ran it releases it a moment later.
                while kept.isAlive { await Task.yield() }
            }
        }
    }

    /// Tells whether a peer is still alive.
    private final class Kept: Sendable {
        private struct Reference: Sendable { weak let peer: JSONRPCPeer? }

        private let reference = Mutex(Reference(peer: nil))

        func keep(_ peer: JSONRPCPeer) { reference.withLock { $0 = Reference(peer: peer) } }

        var isAlive: Bool { reference.withLock { $0.peer != nil } }
    }
}

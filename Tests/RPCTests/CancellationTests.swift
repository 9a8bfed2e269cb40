// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

@Suite struct `A request that is given up` {
    /// A server whose handler waits until it is cancelled, and says so.
    static func waiting(_ begun: Door, _ cancelled: Door) -> Conversation {
        var conversation = Conversation(methods: .arithmetic)
        conversation.methods.handle("wait") { _ in
            begun.open()
            do {
                try await Door().wait()
            } catch {
                cancelled.open()
                throw error
            }
        }
        return conversation
    }

    @Test func `by cancelling its task cancels the handler at the other end`() async throws {
        let (begun, cancelled) = (Door(), Door())
        let conversation = Self.waiting(begun, cancelled)
        try await conversation.run { peer in
            let request = Task { try await peer.request("wait") }
            try await begun.wait()
            request.cancel()
            await #expect(throws: CancellationError.self) { try await request.value }
            try await cancelled.wait()
            // The late reply of the cancelled handler does no harm.
            let pong: String = try await peer.request("ping")
            #expect(pong == "pong")
        }
        #expect(conversation.events.texts == [])
    }

    @Test func `by its timeout cancels the handler at the other end`() async throws {
        let (begun, cancelled) = (Door(), Door())
        let events = Events()
        var client = JSONRPCPeer.Configuration()
        client.onEvent = { events.add($0) }
        try await Self.waiting(begun, cancelled).run(clientConfiguration: client) { peer in
            await expectFailure("no reply within 0.05 seconds") {
                try await peer.request("wait", timeout: .milliseconds(50))
            }
            try await cancelled.wait()
            let pong: String = try await peer.request("ping")
            #expect(pong == "pong")
        }
        #expect(events.texts == [])
    }

    @Test func `has the configuration's timeout where it names none`() async throws {
        var client = JSONRPCPeer.Configuration()
        client.requestTimeout = .milliseconds(50)
        try await Self.waiting(Door(), Door()).run(clientConfiguration: client) { peer in
            await expectFailure("no reply within 0.05 seconds") { try await peer.request("wait") }
        }
    }

    @Test func `cancels what its handler asks of others, too`() async throws {
        let (begun, cancelled) = (Door(), Door())
        let inner = Self.waiting(begun, cancelled)
        try await inner.run { backend in
            var outer = Conversation()
            outer.methods.handle("wait behind") { _ in try await backend.request("wait") }
            try await outer.run { peer in
                await #expect(throws: JSONRPCRequestFailure.self) {
                    try await peer.request("wait behind", timeout: .milliseconds(50))
                }
                try await cancelled.wait()
            }
        }
    }

    @Test func `is answered with LSP's code`() async throws {
        let (begun, cancelled) = (Door(), Door())
        try await Self.waiting(begun, cancelled).runRaw { connection in
            try await connection.send(#"{"jsonrpc":"2.0","id":"a","method":"wait"}"#)
            try await begun.wait()
            try await connection.send(#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#)
            try await connection.send(#"{"jsonrpc":"2.0","method":"$/cancelRequest"}"#)
            let answer = try await connection.ask(
                #"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"\u0061"}}"#)
            #expect(answer == #"{"jsonrpc":"2.0","id":"a","error":{"code":-32800,"message":"Request cancelled"}}"#)
        }
    }

    @Test func `before its handler has begun never waits`() async throws {
        let answer = try await Self.waiting(Door(), Door()).runRaw { connection in
            // A batch is accepted as a whole before any of its requests is handled.
            try await connection.ask(
                """
                [{"jsonrpc":"2.0","id":1,"method":"wait"},
                 {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}]
                """)
        }
        #expect(answer == #"[{"jsonrpc":"2.0","id":1,"error":{"code":-32800,"message":"Request cancelled"}}]"#)
    }

    @Test func `before it begins is not sent`() async throws {
        let calls = Events()
        var conversation = Conversation(methods: .arithmetic)
        conversation.methods.handle("note") { call in calls.note(call.method) }
        try await conversation.run { peer in
            let request = Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                try await peer.request("note")
            }
            await #expect(throws: CancellationError.self) { try await request.value }
            // The reply comes behind everything that was sent before.
            try await peer.request("ping")
        }
        #expect(calls.texts == [])
    }

    @Test func `while there is no room to send was never sent`() async throws {
        let door = Door()
        try await Conversation().serve { connection in
            // Reads nothing until the door opens.
            try await door.wait()
            for try await message in connection.messages {
                let isWhole = message.byteCount == 1 << 20
                #expect(isWhole, "\(String(copying: message) ?? "")")
            }
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                try await JSONRPCPeer.run(on: connection) { peer in
                    let filling = [UInt8](repeating: 0x20, count: 1 << 20)
                    while try await connection.send(filling) == .accepted {}
                    await expectFailure("no reply within 0.05 seconds") {
                        try await peer.request("small", timeout: .milliseconds(50))
                    }
                    let cancelled = Task { try await peer.request("small") }
                    while await peer.pendingRequestCount == 0 { await Task.yield() }
                    cancelled.cancel()
                    await #expect(throws: CancellationError.self) { try await cancelled.value }
                    door.open()
                }
            }
        }
    }
}

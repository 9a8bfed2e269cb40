// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Synchronization
import Testing

@Suite struct `When a JSON-RPC connection ends` {
    @Test func `requests that wait throw, and later ones throw at once`() async throws {
        try await Conversation().serve { connection in
            _ = try await connection.nextMessage()
            _ = try await connection.nextMessage()
            await connection.abort()
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                try await JSONRPCPeer.run(on: connection) { peer in
                    let first = Task { try await peer.request("wait") }
                    let second = Task { try await peer.request("wait", timeout: .seconds(60)) }
                    await #expect(throws: JSONRPCRequestFailure.self) { try await first.value }
                    await #expect(throws: JSONRPCRequestFailure.self) { try await second.value }
                    await #expect(throws: JSONRPCRequestFailure.self) { try await peer.request("wait") }
                    await #expect(throws: (any Error).self) { try await peer.notify("wait") }
                }
            }
        }
    }

    @Test func `requests that wait throw when the other end only finishes sending`() async throws {
        let door = Door()
        try await Conversation().serve { connection in
            _ = try await connection.nextMessage()
            await connection.finishSending()
            try await door.wait()
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                try await JSONRPCPeer.run(on: connection) { peer in
                    let causes = "nothing came back; the server may use another framing (see its log)"
                    await expectFailure("the other end finished sending without a reply: \(causes)") {
                        try await peer.request("wait")
                    }
                    door.open()
                }
            }
        }
    }

    @Test func `replies that came before the end count`() async throws {
        let reply = Mutex<Int?>(nil)
        try await Conversation().serve { connection in
            // In one burst with the end: a request that the client never answers, and behind it the reply.
            _ = try await connection.nextMessage()
            try await connection.send(#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#)
            try await connection.send(#"{"jsonrpc":"2.0","id":1,"result":5}"#)
        } while: { address in
            do {
                try await PipeClient.withConnection(to: address) { connection in
                    var methods = JSONRPCMethods()
                    methods.handle("wait") { _ in try await Door().wait() }
                    var configuration = JSONRPCPeer.Configuration()
                    configuration.handledRequestLimit = 1
                    try await JSONRPCPeer.run(on: connection, methods: methods, configuration: configuration) {
                        let value: Int = try await $0.request("anything", timeout: .seconds(60))
                        reply.withLock { $0 = value }
                    }
                }
            } catch PipeError.messagesUnsent {
                // The reply to a request whose sender has gone.
            }
        }
        #expect(reply.withLock { $0 } == 5)
    }

    @Test func `requests that the other end sent before it finished sending are answered`() async throws {
        let answers = try await Conversation(methods: .arithmetic).runRaw { connection in
            for id in 1...3 { try await connection.send(#"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#) }
            await connection.finishSending()
            var count = 0
            while try await connection.nextMessage() != nil { count += 1 }
            return count
        }
        #expect(answers == 3)
    }

    @Test func `handlers of requests are cancelled, those of notifications finish`() async throws {
        let (begun, cancelled, noted, finished) = (Door(), Door(), Door(), Door())
        var conversation = Conversation()
        conversation.methods.handle("request") { _ in
            begun.open()
            do { try await Door().wait() } catch { cancelled.open() }
        }
        conversation.methods.handle("notification") { _ in
            noted.open()
            try await cancelled.wait()
            try Task.checkCancellation()
            finished.open()
        }
        try await conversation.serve { [conversation] connection in
            try await JSONRPCPeer.serve(connection, methods: conversation.methods)
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                try await connection.send(#"{"jsonrpc":"2.0","id":1,"method":"request"}"#)
                try await connection.send(#"{"jsonrpc":"2.0","method":"notification"}"#)
                try await begun.wait()
                try await noted.wait()
            }
            try await finished.wait()
        }
    }

    @Test func `because the function returned, its handlers are cancelled`() async throws {
        let (begun, cancelled) = (Door(), Door())
        var client = JSONRPCMethods()
        client.handle("wait") { _ in
            begun.open()
            do { try await Door().wait() } catch { cancelled.open() }
        }
        var conversation = Conversation()
        conversation.methods.handle("begin") { call in
            try await call.peer.request("wait")
        }
        try await conversation.run(clientMethods: client) { peer in
            try await peer.notify("begin")
            try await begun.wait()
        }
        try await cancelled.wait()
    }

    @Test func `a reply that is too large becomes an internal error`() async throws {
        var conversation = Conversation()
        conversation.framing = LengthPrefixFraming(maximumMessageByteCount: 1000)
        conversation.methods.handle("large") { _ in String(repeating: "x", count: 1000) }
        try await conversation.run { peer in
            await expectError(.internalError) { try await peer.request("large") }
            let raised = "maximumMessageByteCount of the framing raises it, at both ends"
            await expectFailure("a message of 1047 bytes exceeds the limit of 1000 (\(raised))") {
                try await peer.request("large", [String(repeating: "x", count: 992)])
            }
            var batch = JSONRPCBatch()
            let large = try batch.request("large", [1], returning: String.self)
            let replies = try await peer.send(batch)
            #expect(throws: JSONRPCError.self) { try replies.value(of: large) }
        }
        #expect(conversation.events.texts.count == 2)
    }

    @Test func `after a parse error, it was configured to`() async throws {
        var conversation = Conversation()
        conversation.configuration.endsAfterParseError = true
        let (answer, next) = try await conversation.runRaw { connection in
            (try await connection.ask("{"), try await connection.nextText())
        }
        #expect(answer?.contains("-32700") == true)
        #expect(next == nil)
    }
}

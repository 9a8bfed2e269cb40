// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

@Suite struct `A notification for many` {
    struct Job: Codable, Equatable {
        var name: String
        var id: Int
    }

    @Test func `has the same text each time, with its members in order`() throws {
        let texts = try (0..<50).map { _ in
            String(decoding: try JSONRPCNotification("job", Job(name: "a/b", id: 7)).message, as: UTF8.self)
        }
        #expect(Set(texts) == [#"{"jsonrpc":"2.0","method":"job","params":{"id":7,"name":"a/b"}}"#])
        let bare = String(decoding: JSONRPCNotification("ping").message, as: UTF8.self)
        #expect(bare == #"{"jsonrpc":"2.0","method":"ping"}"#)
    }

    @Test func `has an object or an array as its parameters`() throws {
        #expect(throws: JSONRPCRequestFailure.self) { try JSONRPCNotification("job", 7) }
        _ = try JSONRPCNotification("job", [7])
    }

    @Test func `reaches the members of a group as a notification`() throws {
        let loop = try Loop()
        let (server, recorder) = try loop.server()
        let clients = (0..<3).map { _ in loop.client() }
        try #require(loop.run { recorder.openCount == 3 })
        for connection in recorder.connections.prefix(2) { try connection.join("watchers") }
        let outcome = try server.publish("job", Job(name: "x", id: 1), to: "watchers")
        #expect(outcome.acceptedCount == 2)
        #expect(loop.run { clients.count { $0.1.messageCount == 1 } == 2 })
        let text = #"{"jsonrpc":"2.0","method":"job","params":{"id":1,"name":"x"}}"#
        #expect(clients.flatMap(\.1.texts) == [text, text])
        #expect(loop.end() == [])
    }

    @Test func `reaches the others of a group from an async handler`() async throws {
        let server: @Sendable (AsyncPipeConnection) async throws -> Void = { connection in
            try await connection.join("watchers")
            for try await _ in connection.messages {
                let outcome = try await connection.publish("job", Job(name: "x", id: 2), to: "watchers")
                try await connection.send("\(outcome.acceptedCount)")
            }
        }
        try await Conversation().serve(server) { address in
            try await PipeClient.withConnection(to: address) { watcher in
                // Its answer says that this client is a member.
                try await watcher.send("publish")
                #expect(try await watcher.nextMessage().flatMap { String(copying: $0) } == "0")
                try await PipeClient.withConnection(to: address) { author in
                    try await author.send("publish")
                    #expect(try await author.nextMessage().flatMap { String(copying: $0) } == "1")
                }
                let text = try await watcher.nextMessage().flatMap { String(copying: $0) }
                #expect(text?.hasSuffix(#""params":{"id":2,"name":"x"}}"#) == true)
            }
        }
    }
}

@Suite struct `An error of a handler` {
    @Test func `has a code that is written as a number`() {
        let error = JSONRPCError(404, "no such job")
        #expect(error.code == JSONRPCError.Code(rawValue: 404) && error.message == "no such job")
    }

    struct Order: Codable {
        struct Item: Codable { var count: Int }
        var items: [Item]
        var urgent: Bool
    }

    @Test(arguments: [
        (#"{"items":[]}"#, "params.urgent is missing"),
        (#"{"items":[{"count":1},{}],"urgent":true}"#, "params.items[1].count is missing"),
        (#"{"items":null,"urgent":true}"#, "params.items is null"),
        (#"{"items":[{"count":"1"}],"urgent":true}"#, "params.items[0].count has another type: "),
    ])
    func `names the parameter that does not fit, without Swift's words`(params: String, expected: String) async throws {
        var conversation = Conversation()
        conversation.methods.handle("order") { (order: Order, _) in order.urgent }
        try await conversation.run { peer in
            do {
                _ = try await peer.requestJSON("order", try JSONText(params))
                Issue.record("no error")
            } catch let error as JSONRPCError {
                let detail = try #require(try error.data?.decode(as: String.self))
                #expect(detail.hasPrefix(expected), "\(detail)")
                #expect(error.code == .invalidParams && !detail.contains("CodingKey"))
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

/// Replies as real servers send them. No request here has a time limit: one that the reply does not end hangs the test.
@Suite(.timeLimit(.minutes(5))) struct `80 · A server that is lax` {
    /// A server that reads requests, and then sends these texts and everything that comes back; and a client without a
    /// time limit.
    static func answering(
        _ replies: [[UInt8]], after requestCount: Int = 1, framing: any MessageFraming = LengthPrefixFraming(),
        _ body: @escaping @Sendable (JSONRPCPeer) async throws -> Void
    ) async throws -> (cameBack: [String], events: [String]) {
        let (cameBack, events) = (Events(), Events())
        var conversation = Conversation()
        conversation.framing = framing
        try await conversation.serve { connection in
            for _ in 0..<requestCount { _ = try await connection.nextMessage() }
            for reply in replies { try await connection.send(reply) }
            while let text = try await connection.nextText() {
                guard text.contains(#""method":"ping""#) else {
                    cameBack.note(text)
                    continue
                }
                let id = text.split(separator: #""id":"#).last?.prefix { $0.isNumber } ?? ""
                try await connection.send(#"{"jsonrpc":"2.0","id":\#(id),"result":"pong"}"#)
            }
        } while: { [framing] address in
            var client = PipeClient.Configuration()
            client.connection.framing = framing
            try await PipeClient.withConnection(to: address, configuration: client) { connection in
                var configuration = JSONRPCPeer.Configuration()
                configuration.onEvent = { events.add($0) }
                try await JSONRPCPeer.run(on: connection, configuration: configuration) { peer in
                    try await body(peer)
                    // Behind everything that this end has sent.
                    try await peer.request("ping")
                }
            }
        }
        return (cameBack.texts, events.texts)
    }

    @Test(arguments: [
        (#"{"jsonrpc":"2.0","id":1}"#, "null"), (#"{"jsonrpc":"2.0","id":1,"error":null}"#, "null"),
        (#"{"jsonrpc":"2.0","id":1,"result":5,"error":null}"#, "5"), (#"{"id":1,"result":5,"error":null}"#, "5"),
        (#"{"jsonrpc":"2.0","id":1.0,"result":5}"#, "5"), (#"{"jsonrpc":"2.0","id":10e-1,"result":5}"#, "5"),
        (#"{"jsonrpc":"2.0","id":"1","result":5}"#, "5"), (#"{"jsonrpc":"2\u002e0","id":1,"result":5}"#, "5"),
    ])
    func `has its replies understood`(reply: String, result: String) async throws {
        let (cameBack, events) = try await Self.answering([Array(reply.utf8)]) { peer in
            let came = try await peer.requestJSON("anything", nil).description
            #expect(came == result)
        }
        #expect(cameBack == [])
        #expect(events == [])
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","id":1,"error":{"code":-32000.0,"message":"no"}}"#,
        #"{"jsonrpc":"2.0","id":1,"error":{"code":-32e3,"message":"no"}}"#,
        #"{"jsonrpc":"2.0","id":1,"result":null,"error":{"code":-32000,"message":"no"}}"#,
        #"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no"}}"#,
        #"{"jsonrpc":"2.0","error":{"code":-32000,"message":"no"}}"#,
    ])
    func `has its errors understood`(reply: String) async throws {
        let (cameBack, _) = try await Self.answering([Array(reply.utf8)]) { peer in
            await #expect(throws: JSONRPCError(.init(rawValue: -32000), "no")) { try await peer.request("anything") }
        }
        #expect(cameBack == [])
    }

    static let unreadable: [[UInt8]] = [
        Array(#"{"jsonrpc":"2.0","id":1,"result":NaN}"#.utf8), Array(#"{"jsonrpc":"2.0","result":NaN,"id":1}"#.utf8),
        Array(#"{"jsonrpc":"2.0","result":NaN}"#.utf8), Array(#"{"jsonrpc":"2.0","id":1,"result":"#.utf8),
        [0xEF, 0xBB, 0xBF] + Array(#"{"jsonrpc":"2.0","id":1,"result":5}"#.utf8),
        Array(#"{"jsonrpc":"2.0","id":1,"result":""#.utf8) + [0xFF] + Array(#""}"#.utf8),
        Array(#"{"jsonrpc":"2.0","id":1,"result":"#.utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20),
        Array("Segmentation fault".utf8), [], [UInt8](repeating: 0, count: 100),
        Array(#"[{"jsonrpc":"2.0","id":1,"result":NaN}]"#.utf8),
        Array(#"{"jsonrpc":"2.0","id":"1","error":oops}"#.utf8),
    ]

    @Test(arguments: unreadable)
    func `whose reply cannot be read fails the request at once, with the text of the reply`(reply: [UInt8]) async throws
    {
        let (cameBack, events) = try await Self.answering([reply]) { peer in
            do {
                try await peer.request("anything")
                Issue.record("a reply")
            } catch JSONRPCRequestFailure.unreadableReply(let message, _) {
                #expect(message.withBytes { Array(copying: $0) } == reply)
            }
        }
        #expect(cameBack == [], "a reply was answered")
        #expect(events.count == 1)
    }

    @Test func `gets an error where it sends a request that cannot be read`() async throws {
        let requests = [#"{"jsonrpc":"2.0","id":1,"method":"x","params":NaN}"#, #"{"params":[NaN],"method":"x"}"#]
        let (cameBack, _) = try await Self.answering(
            requests.map { Array($0.utf8) } + [Array(#"{"jsonrpc":"2.0","id":1,"result":5}"#.utf8)]
        ) { peer in
            let reply: Int = try await peer.request("anything")
            #expect(reply == 5)
        }
        #expect(cameBack.count == 2)
        #expect(cameBack.allSatisfy { $0.contains("-32700") })
    }

    @Test func `reports that one of several requests failed, and which one is known once the others are answered`()
        async throws
    {
        let replies = [
            #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
            #"{"jsonrpc":"2.0","id":3,"result":3}"#, #"{"jsonrpc":"2.0","id":1,"result":1}"#,
        ]
        _ = try await Self.answering(replies.map { Array($0.utf8) }, after: 3) { peer in
            let requests = await Self.begin(3, peer)
            let answered = [try await requests[0].value, try await requests[2].value]
            #expect(answered == [1, 3])
            await expectError(.parseError) { _ = try await requests[1].value }
        }
    }

    @Test func `reports a failure of all of them`() async throws {
        let error = Array(#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#.utf8)
        _ = try await Self.answering([error, error], after: 2) { peer in
            for request in await Self.begin(2, peer) {
                await expectError(.parseError) { _ = try await request.value }
            }
        }
    }

    @Test func `reports a failure, and a request that is given up may have been the one`() async throws {
        let error = Array(#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#.utf8)
        let late = Array(#"{"jsonrpc":"2.0","id":1,"result":1}"#.utf8)
        let (_, events) = try await Self.answering([error, late], after: 3) { peer in
            let requests = await Self.begin(2, peer)
            requests[1].cancel()
            // The cancellation is the third message.
            await #expect(throws: CancellationError.self) { try await requests[1].value }
            let answered = try await requests[0].value
            #expect(answered == 1)
        }
        #expect(events.count == 1)
    }

    @Test func `reports a failure, and answers for the one that was given up`() async throws {
        let replies = [
            #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
            #"{"jsonrpc":"2.0","id":2,"error":{"code":-32800,"message":"cancelled"}}"#,
        ]
        _ = try await Self.answering(replies.map { Array($0.utf8) }, after: 3) { peer in
            let requests = await Self.begin(2, peer)
            requests[1].cancel()
            await expectError(.parseError) { _ = try await requests[0].value }
        }
    }

    /// The requests that have been sent, in order.
    private static func begin(_ count: Int, _ peer: JSONRPCPeer) async -> [Task<Int, any Error>] {
        var tasks: [Task<Int, any Error>] = []
        for number in 1...count {
            tasks.append(Task { try await peer.request("anything") })
            while await peer.pendingRequestCount < number { await Task.yield() }
        }
        return tasks
    }

    @Test func `sends blank lines to keep the connection alive`() async throws {
        let lines = ["", "\r", " \t", #"{"jsonrpc":"2.0","id":1,"result":5}"#]
        let (cameBack, events) = try await Self.answering(
            lines.map { Array($0.utf8) }, framing: DelimiterFraming.newline
        ) { peer in
            let reply: Int = try await peer.request("anything")
            #expect(reply == 5)
        }
        #expect(cameBack == [])
        #expect(events == [])
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

@Suite struct `A JSON-RPC request` {
    @Test(arguments: ["length", "content-length", "newline"])
    func `has a typed reply, over any framing`(framing: String) async throws {
        var conversation = Conversation(methods: .arithmetic)
        conversation.framing =
            switch framing {
            case "content-length": ContentLengthFraming()
            case "newline": DelimiterFraming.newline
            default: LengthPrefixFraming()
            }
        try await conversation.run { peer in
            let sum: Int = try await peer.request("add", Pair(left: 1, right: 2))
            #expect(sum == 3)
            let divided: Divided = try await peer.request("divide", Pair(left: 7, right: 2), timeout: .seconds(30))
            #expect(divided == Divided(quotient: 3, remainder: 1))
            let word: String = try await peer.request("ping")
            #expect(word == "pong")
            let total: Int = try await peer.request("sum", [1, 2, 3])
            #expect(total == 6)
            try await peer.request("nothing")
            try await peer.request("sum", [Int]())
        }
    }

    @Test func `runs beside many others, whose replies come in any order`() async throws {
        var conversation = Conversation()
        let doors = (0..<100).map { _ in Door() }
        conversation.methods.handle("wait") { (numbers: [Int], call) in
            // Each handler lets the one before it go on, so the reply of the last one comes first.
            if numbers[0] < doors.count - 1 { try await doors[numbers[0]].wait() }
            if numbers[0] > 0 { doors[numbers[0] - 1].open() }
            return numbers[0]
        }
        conversation.configuration.handledRequestLimit = 100
        let order = try await conversation.run { peer in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let reply: Int = try await peer.request("wait", [number], timeout: .seconds(60))
                        return reply == number ? number : -1
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(order.sorted() == Array(0..<100))
    }

    @Test func `works in both directions at once`() async throws {
        var conversation = Conversation()
        conversation.methods.handle("ask back") { (numbers: [Int], call) in
            let doubled: Int = try await call.peer.request("double", numbers)
            return doubled + 1
        }
        var client = JSONRPCMethods()
        client.handle("double") { (numbers: [Int], _) in numbers[0] * 2 }
        // More at a time than may be handled: each end goes on reading because it waits for replies of its own.
        conversation.configuration.handledRequestLimit = 4
        let sum = try await conversation.run(clientMethods: client) { peer in
            var sum = 0
            for number in 0..<20 { sum += try await peer.request("ask back", [number], timeout: .seconds(60)) }
            return sum
        }
        #expect(sum == 400)
    }

    @Test func `waits at the limit, and nothing is lost`() async throws {
        var conversation = Conversation()
        let started = Events()
        conversation.configuration.handledRequestLimit = 1
        conversation.methods.handle("count") { _ in
            started.note("")
            // Turns of the loop, in each of which another handler could begin.
            for _ in 0..<100 { await Task.yield() }
            return started.texts.count
        }
        let replies = try await conversation.runRaw { connection in
            for id in 1...3 { try await connection.send(#"{"jsonrpc":"2.0","id":\#(id),"method":"count"}"#) }
            return [try await connection.nextText(), try await connection.nextText(), try await connection.nextText()]
        }
        #expect(replies == (1...3).map { #"{"jsonrpc":"2.0","id":\#($0),"result":\#($0)}"# })
    }

    @Test func `above the limit of pending ones is not sent, where it was configured so`() async throws {
        var conversation = Conversation()
        let (begun, door) = (Door(), Door())
        conversation.methods.handle("wait") { _ in
            begun.open()
            try await door.wait()
        }
        var client = JSONRPCPeer.Configuration()
        client.pendingRequestLimit = 1
        client.pendingLimitPolicy = .refuse
        try await conversation.run(clientConfiguration: client) { peer in
            async let first: Void = peer.request("wait")
            try await begun.wait()
            await expectFailure("the limit of 1 pending requests is reached") { try await peer.request("wait") }
            door.open()
            try await first
        }
    }

    @Test func `has parameters that are an object or an array`() async throws {
        try await Conversation(methods: .arithmetic).run { peer in
            await expectFailure("parameters must be a JSON object or array, not 3") { try await peer.request("add", 3) }
            await expectFailure("parameters must be a JSON object or array, not \"a\"") {
                try await peer.notify("add", "a")
            }
        }
    }

    @Test func `whose reply is of another type says so, and keeps the reply`() async throws {
        try await Conversation(methods: .arithmetic).run { peer in
            do {
                let number: Int = try await peer.request("ping")
                Issue.record("got \(number)")
            } catch JSONRPCRequestFailure.undecodableReply(let text, let reason) {
                #expect(text.description == #""pong""#)
                #expect(reason is DecodingError)
            }
        }
    }

    @Test func `may be JSON of any shape, and handlers may take any`() async throws {
        var conversation = Conversation()
        conversation.methods.handleOthers { params, call in
            try JSONText(#"{"\#(call.method)":\#(params?.description ?? "null")}"#)
        }
        try await conversation.run { peer in
            let reply = try await peer.requestJSON("any", try JSONText(#"{"deep": [1, {"er": null}]}"#))
            #expect(reply.description == #"{"any":{"deep": [1, {"er": null}]}}"#)
            #expect(try await peer.requestJSON("none", nil).description == #"{"none":null}"#)
        }
    }

    @Test func `may have partial results before its reply`() async throws {
        var conversation = Conversation()
        struct Count: Codable {
            var upTo: Int
            var partialResultToken: JSONRPCID
        }
        conversation.methods.handle("count") { (count: Count, call) in
            for number in 0..<count.upTo { try await call.peer.reportProgress(count.partialResultToken, number) }
            return "done"
        }
        let parts = Events()
        let reply: String = try await conversation.run { peer in
            let token = await peer.makeProgressToken()
            return try await peer.request(
                "count", Count(upTo: 50, partialResultToken: token), progressToken: token
            ) { (part: Int) in parts.note("\(part)") }
        }
        #expect(reply == "done")
        #expect(parts.texts == (0..<50).map(String.init))
    }
}

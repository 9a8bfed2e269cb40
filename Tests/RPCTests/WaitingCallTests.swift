// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct `80 · At the limit of handlers` {
    static func call(_ method: String, _ params: String = "[]", id: Int? = nil) -> String {
        #"{"jsonrpc":"2.0",\#(id.map { #""id":\#($0),"# } ?? "")"method":"\#(method)","params":\#(params)}"#
    }

    static func result(_ result: String, id: Int) -> String { #"{"jsonrpc":"2.0","id":\#(id),"result":\#(result)}"# }

    /// A server that handles one call at a time: `ask` asks the client back, `note` and `ping` return at once.
    static func askingBack(_ notes: Events = Events()) -> Conversation {
        var conversation = Conversation(methods: .arithmetic)
        conversation.configuration.handledRequestLimit = 1
        conversation.methods.handle("ask") { call in try await call.peer.request("answer") }
        conversation.methods.handle("note") { (numbers: [Int], _) in notes.note("\(numbers[0])") }
        return conversation
    }

    @Test func `10,000 notifications wait in order, and the reply behind them is read`() async throws {
        let notes = Events()
        let conversation = Self.askingBack(notes)
        try await conversation.runRaw { connection in
            #expect(try await connection.ask(Self.call("ask", id: 1))?.contains(#""method":"answer""#) == true)
            for number in 0..<10_000 { try await connection.send(Self.call("note", "[\(number)]")) }
            #expect(try await connection.ask(Self.result("null", id: 1)) == Self.result("null", id: 1))
            #expect(try await connection.ask(Self.call("ping", id: 2)) == Self.result(#""pong""#, id: 2))
        }
        #expect(notes.texts == (0..<10_000).map(String.init))
        #expect(conversation.events.texts == [])
    }

    @Test func `2,000 requests whose handlers ask back all have their replies`() async throws {
        var conversation = Conversation()
        conversation.methods.handle("ask") { (numbers: [Int], call) in
            try await call.peer.request("double", numbers) as Int
        }
        var client = JSONRPCMethods()
        client.handle("double") { (numbers: [Int], _) in numbers[0] * 2 }
        let count = 2000
        let sum = try await conversation.run(clientMethods: client) { peer in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<count { group.addTask { try await peer.request("ask", [number]) } }
                return try await group.reduce(0, +)
            }
        }
        #expect(sum == count * (count - 1))
        #expect(conversation.events.texts == [])
    }

    @Test func `a batch of a hundred waits as a whole while this end asks`() async throws {
        let conversation = Self.askingBack()
        try await conversation.runRaw { connection in
            _ = try await connection.ask(Self.call("ask", id: 1))
            try await connection.send("[\((100..<200).map { Self.call("ping", id: $0) }.joined(separator: ","))]")
            #expect(try await connection.ask(Self.result("null", id: 1)) == Self.result("null", id: 1))
            let answers = try await connection.nextText() ?? ""
            #expect(answers.split(separator: "pong").count == 101)
        }
    }

    @Test func `a cancellation takes effect at once, also for a request that waits`() async throws {
        let begun = Door()
        var conversation = `A request that is given up`.waiting(begun, Door())
        conversation.configuration.handledRequestLimit = 1
        try await conversation.runRaw { connection in
            for id in 1...3 { try await connection.send(Self.call("wait", id: id)) }
            try await begun.wait()
            for id in [2, 1, 3] {
                let answer = try await connection.ask(Self.call("$/cancelRequest", #"{"id":\#(id)}"#))
                #expect(answer?.hasPrefix(#"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32800"#) == true)
                // The place of the first request is free, and the third takes it.
                if id == 1 { try await begun.wait() }
            }
            #expect(try await connection.ask(Self.call("ping", id: 4)) == Self.result(#""pong""#, id: 4))
        }
    }

    @Test(arguments: [8 << 20, 100_000])
    func `the end of a client is noticed, whatever waits behind`(waitingByteLimit: Int) async throws {
        let (begun, cancelled) = (Door(), Door())
        let calls = Events()
        var conversation = `A request that is given up`.waiting(begun, cancelled)
        conversation.configuration.handledRequestLimit = 1
        conversation.configuration.waitingByteLimit = waitingByteLimit
        conversation.methods.handle("note") { call in calls.note(call.method) }
        let large = #"["\#(String(repeating: "x", count: 60_000))"]"#
        try await conversation.serve { [conversation] connection in
            // This throws where the connection was reset.
            defer { calls.note("served") }
            try await JSONRPCPeer.serve(
                connection, methods: conversation.methods, configuration: conversation.configuration)
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                try await connection.send(Self.call("wait", id: 1))
                try await begun.wait()
                try await connection.send(Self.call("note"))
                // As many as there is room for.
                var id = 1
                while id < 60, try await connection.send(Self.call("wait", large, id: id + 1)) == .accepted { id += 1 }
                await connection.abort()
            }
            try await cancelled.wait()
            while calls.texts.count < 2 { await Task.yield() }
        }
        // None of the waiting requests was begun; the notification was handled.
        #expect(calls.texts == ["note", "served"])
    }

    @Test func `requests are refused, and none waits for ever, once too many bytes wait`() async throws {
        var conversation = Self.askingBack()
        conversation.configuration.waitingByteLimit = 1000
        try await conversation.runRaw { connection in
            _ = try await connection.ask(Self.call("ask", id: 1))
            for id in 2...3 { try await connection.send(Self.call("ping", id: id)) }
            for id in 4...5 {
                let refused = try await connection.ask(Self.call("ping", id: id))
                #expect(refused?.hasPrefix(#"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32000,"#) == true)
            }
            let batch = try await connection.ask("[\(Self.call("ping", id: 6)),\(Self.call("ping", id: 7))]")
            #expect(batch?.split(separator: "-32000").count == 3)
            #expect(try await connection.ask(Self.result("null", id: 1)) == Self.result("null", id: 1))
            for id in 2...3 { #expect(try await connection.nextText() == Self.result(#""pong""#, id: id)) }
        }
    }

    @Test func `a notification that cannot wait ends the connection, with its reason`() async throws {
        var conversation = Self.askingBack()
        conversation.configuration.waitingByteLimit = 1000
        let end = try await conversation.runRaw { connection in
            _ = try await connection.ask(Self.call("ask", id: 1))
            for number in 1...3 { try await connection.send(Self.call("note", "[\(number)]")) }
            return try? await connection.nextText()
        }
        #expect(end == nil)
        #expect(
            conversation.events.texts.contains("overload(calls of more than 1000 bytes wait to be handled)"))
    }

    @Test func `reading pauses once too many bytes wait, and goes on`() async throws {
        var conversation = Conversation(methods: .arithmetic)
        conversation.configuration.handledRequestLimit = 1
        conversation.configuration.waitingByteLimit = 1
        let replies = try await conversation.runRaw { connection in
            for id in 0..<1000 { try await connection.send(Self.call("ping", id: id)) }
            var replies: [String?] = []
            for _ in 0..<1000 { replies.append(try await connection.nextText()) }
            return replies
        }
        #expect(replies == (0..<1000).map { Self.result(#""pong""#, id: $0) })
    }

    @Test func `requests that still wait when the function returns are answered`() async throws {
        let (begun, answered) = (Door(), Door())
        var client = JSONRPCMethods()
        client.handle("wait") { _ in
            begun.open()
            try await Door().wait()
        }
        var configuration = JSONRPCPeer.Configuration()
        configuration.handledRequestLimit = 1
        try await Conversation().serve { connection in
            for id in 1...2 { try await connection.send(Self.call("wait", id: id)) }
            var answers: [String] = []
            while answers.count < 2, let text = try await connection.nextText() { answers.append(text) }
            #expect(answers.allSatisfy { $0.contains("-32800") || $0.contains("-32603") })
            if answers.count == 2 { answered.open() }
        } while: { [client, configuration] address in
            try await PipeClient.withConnection(to: address) { connection in
                try await JSONRPCPeer.run(on: connection, methods: client, configuration: configuration) { peer in
                    try await begun.wait()
                    while await peer.waitingCallCount == 0 { await Task.yield() }
                }
                try await answered.wait()
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

@Suite struct `Hostile JSON-RPC` {
    @Test(arguments: [101, 5_000_000])
    func `nested deeply is refused, and costs no stack`(depth: Int) async throws {
        let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let answer = try await Conversation().runRaw { try await $0.ask(text) }
        #expect(
            answer
                == `JSON-RPC's specification`.error(
                    -32700, "Parse error", #""arrays and objects are nested more than 100 deep""#))
    }

    @Test func `nested as deeply as allowed is taken`() async throws {
        var conversation = Conversation()
        conversation.configuration.depthLimit = 512
        conversation.methods.handleJSON("echo") { params, _ in try params ?? JSONText("null") }
        let params = String(repeating: "[", count: 511) + String(repeating: "]", count: 511)
        let answer = try await conversation.runRaw {
            try await $0.ask(#"{"jsonrpc":"2.0","id":1,"method":"echo","params":\#(params)}"#)
        }
        #expect(answer == #"{"jsonrpc":"2.0","id":1,"result":\#(params)}"#)
    }

    @Test(arguments: ["\"" + String(repeating: "a", count: 1 << 20) + "\"", String(repeating: "9", count: 1 << 20)])
    func `ids that are huge are not sent back`(id: String) async throws {
        let answer = try await Conversation(methods: .arithmetic).runRaw {
            try await $0.ask(#"{"jsonrpc":"2.0","method":"ping","id":\#(id)}"#)
        }
        #expect(
            answer == `JSON-RPC's specification`.invalid("id is not a number, string or null of at most 256 bytes"))
    }

    @Test func `ids that two requests share are refused, and the first keeps its reply`() async throws {
        var conversation = Conversation(methods: .arithmetic)
        let door = Door()
        conversation.methods.handle("wait") { _ in try await door.wait() }
        try await conversation.runRaw { connection in
            try await connection.send(#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#)
            let second = try await connection.ask(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
            #expect(second == `JSON-RPC's specification`.invalid("a request with this id is being handled"))
            door.open()
            #expect(try await connection.nextText() == #"{"jsonrpc":"2.0","id":1,"result":null}"#)
            let again = try await connection.ask(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
            #expect(again == #"{"jsonrpc":"2.0","id":1,"result":"pong"}"#)
        }
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}}"#,
        #"{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":""}}"#, #"{"jsonrpc":"2.0","id":1,"error":[]}"#,
        #"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#, #"{"jsonrpc":"3.0","id":1,"result":1}"#,
        #"{"jsonrpc":"2.0","id":1,"result":1,"result":2}"#, #"{"jsonrpc":"2.0","id":[],"result":1}"#,
        #"{"jsonrpc":"2.0","result":1}"#, #"{"jsonrpc":"2.0","id":1,"error":{"code":0.5,"message":""}}"#,
        #"{"jsonrpc":"2.0","id":1,"error":{"code":1e99,"message":""}}"#,
    ])
    func `replies end the request that they are for`(reply: String) async throws {
        let (cameBack, _) = try await `80 · A server that is lax`.answering([Array(reply.utf8)]) { peer in
            // Without a time limit, so that only the reply can end it.
            await expectFailure("not a valid reply: \(reply)") { try await peer.request("anything") }
        }
        #expect(cameBack == [], "a reply was answered")
    }

    @Test func `replies that come twice, or to no request, do no harm`() async throws {
        let events = Events()
        try await Conversation().serve { connection in
            for try await _ in connection.messages {
                for id in ["7", "1", "1", "\"1\"", "1.0", "-1", "9223372036854775808"] {
                    try await connection.send(#"{"jsonrpc":"2.0","id":\#(id),"result":5}"#)
                }
                try await connection.send(#"{"jsonrpc":"2.0","id":2,"result":6}"#)
            }
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                var configuration = JSONRPCPeer.Configuration()
                configuration.onEvent = { events.add($0) }
                try await JSONRPCPeer.run(on: connection, configuration: configuration) { peer in
                    let first: Int = try await peer.request("anything")
                    let second: Int = try await peer.request("anything")
                    #expect(first == 5)
                    #expect(second == 6)
                }
            }
        }
        #expect(events.texts.count >= 6)
    }

    @Test func `replies to requests that were never sent are dropped`() async throws {
        let (waiting, forged, events) = (Door(), Door(), Events())
        try await Conversation().serve { connection in
            try await waiting.wait()
            try await connection.send(#"{"jsonrpc":"2.0","id":1,"result":5}"#)
            // Nothing is read before the forged reply was seen.
            try await forged.wait()
            for try await message in connection.messages where message.byteCount < 100 {
                try await connection.send(#"{"jsonrpc":"2.0","id":1,"result":6}"#)
            }
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                var configuration = JSONRPCPeer.Configuration()
                configuration.onEvent = {
                    events.add($0)
                    forged.open()
                }
                try await JSONRPCPeer.run(on: connection, configuration: configuration) { peer in
                    let filling = [UInt8](repeating: 0x20, count: 1 << 20)
                    while try await connection.send(filling) == .accepted {}
                    async let reply: Int = peer.request("anything", timeout: .seconds(60))
                    while await peer.pendingRequestCount == 0 { await Task.yield() }
                    waiting.open()
                    #expect(try await reply == 6)
                }
            }
        }
        #expect(events.texts == ["unexpectedReply(Optional(1))"])
    }

    @Test func `progress that was not requested is dropped`() async throws {
        let conversation = Conversation(methods: .arithmetic)
        let answer = try await conversation.runRaw { connection in
            for params in [#"{"token":1,"value":2}"#, "[]", #"{"token":[]}"#] {
                try await connection.send(#"{"jsonrpc":"2.0","method":"$/progress","params":\#(params)}"#)
            }
            return try await connection.ask(#"{"jsonrpc":"2.0","method":"ping","id":1}"#)
        }
        #expect(answer == #"{"jsonrpc":"2.0","id":1,"result":"pong"}"#)
        #expect(conversation.events.texts.count == 3)
    }
}

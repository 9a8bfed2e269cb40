// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

@Suite struct `A batch` {
    @Test func `is answered as the specification's example is`() async throws {
        let batch = """
            [{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
             {"jsonrpc": "2.0", "method": "nothing", "params": [7]},
             {"jsonrpc": "2.0", "method": "sum", "params": [42,23], "id": "2"},
             {"foo": "boo"},
             {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
             {"jsonrpc": "2.0", "method": "ping", "id": "9"}]
            """
        let answer = try await Conversation(methods: .arithmetic).runRaw { try await $0.ask(batch) } ?? ""
        for part in [
            #"{"jsonrpc":"2.0","id":"1","result":7}"#, #"{"jsonrpc":"2.0","id":"2","result":65}"#,
            #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"#,
            #"{"jsonrpc":"2.0","id":"5","error":{"code":-32601,"#,
            #"{"jsonrpc":"2.0","id":"9","result":"pong"}"#,
        ] {
            #expect(answer.contains(part))
        }
        #expect(answer.split(separator: #""jsonrpc""#).count == 6)
    }

    @Test func `of notifications alone, or of answers, is not answered`() async throws {
        let answer = try await Conversation(methods: .arithmetic).runRaw { connection in
            try await connection.send(#"[{"jsonrpc":"2.0","method":"ping"},{"jsonrpc":"2.0","method":"nothing"}]"#)
            try await connection.send(#"[{"jsonrpc":"2.0","id":1,"result":1}]"#)
            return try await connection.ask(#"{"jsonrpc":"2.0","method":"ping","id":1}"#)
        }
        #expect(answer == #"{"jsonrpc":"2.0","id":1,"result":"pong"}"#)
    }

    @Test func `above the limit is refused as a whole`() async throws {
        var conversation = Conversation(methods: .arithmetic)
        conversation.configuration.batchLimit = 2
        let request = #"{"jsonrpc":"2.0","method":"ping","id":1}"#
        let answer = try await conversation.runRaw { try await $0.ask("[\(request),\(request),\(request)]") }
        #expect(answer == `JSON-RPC's specification`.invalid("a batch of more than 2"))
    }

    @Test func `brings each request its own reply`() async throws {
        try await Conversation(methods: .arithmetic).run { peer in
            var batch = JSONRPCBatch()
            let sum = try batch.request("add", Pair(left: 1, right: 2), returning: Int.self)
            try batch.notify("nothing", [1])
            let failed = try batch.request("divide", Pair(left: 1, right: 0), returning: Divided.self)
            let word = try batch.request("ping", [Int](), returning: Int.self)
            let replies = try await peer.send(batch, timeout: .seconds(30))
            #expect(try replies.value(of: sum) == 3)
            #expect(throws: JSONRPCError.self) { try replies.value(of: failed) }
            #expect(throws: JSONRPCRequestFailure.self) { try replies.value(of: word) }
            _ = try await peer.send(JSONRPCBatch())
            var notifications = JSONRPCBatch()
            try notifications.notify("nothing", [1])
            _ = try await peer.send(notifications)
            let pong: String = try await peer.request("ping")
            #expect(pong == "pong")
        }
    }

    @Test func `has a time limit, and the replies before it count`() async throws {
        // A server that answers the first request of each batch.
        try await Conversation().serve { connection in
            for try await _ in connection.messages {
                try await connection.send(#"{"jsonrpc":"2.0","id":1,"result":3}"#)
            }
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                try await JSONRPCPeer.run(on: connection) { peer in
                    var batch = JSONRPCBatch()
                    let first = try batch.request("add", [1, 2], returning: Int.self)
                    let second = try batch.request("add", [1, 2], returning: Int.self)
                    let replies = try await peer.send(batch, timeout: .seconds(1))
                    #expect(try replies.value(of: first) == 3)
                    #expect(throws: JSONRPCRequestFailure.self) { try replies.value(of: second) }
                }
            }
        }
    }
}

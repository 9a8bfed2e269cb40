// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

/// The bytes on the wire: the examples of the specification's section 7, and the rules of its text.
@Suite struct `JSON-RPC's specification` {
    static func answer(_ members: String) -> String { #"{"jsonrpc":"2.0",\#(members)}"# }

    static func error(_ code: Int, _ message: String, _ data: String, id: String = "null") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":\#(code),"message":"\#(message)","data":\#(data)}}"#
    }

    static func invalid(_ data: String, id: String = "null") -> String {
        error(-32600, "Invalid Request", #""\#(data)""#, id: id)
    }

    static let examples: [(String, String)] = [
        (#"{"jsonrpc": "2.0", "method": "sum", "params": [42, 23], "id": 1}"#, answer(#""id":1,"result":65"#)),
        (#"{"id":"a","params":{"right":2,"left":1},"method":"add","jsonrpc":"2.0"}"#, answer(#""id":"a","result":3"#)),
        (#" {"\u006Aso\u006erpc":"2.0","id":0,"method":"p\u0069ng"} "#, answer(#""id":0,"result":"pong""#)),
        (#"{"jsonrpc": "2.0", "method": "ping", "id": null}"#, answer(#""id":null,"result":"pong""#)),
        (#"{"jsonrpc": "2.0", "method": "ping", "id": 1.50e1}"#, answer(#""id":1.50e1,"result":"pong""#)),
        (
            #"{"jsonrpc": "2.0", "method": "ping", "id": 123456789012345678901234567890}"#,
            answer(#""id":123456789012345678901234567890,"result":"pong""#)
        ),
        (
            #"{"jsonrpc": "2.0", "method": "ping", "id": "\u00e9\n\"\\"}"#,
            answer(#""id":"\u00e9\n\"\\","result":"pong""#)
        ),
        (#"{"jsonrpc": "2.0", "method": "nothing", "id": 2}"#, answer(#""id":2,"result":null"#)),
        (
            #"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
            answer(#""id":"1","error":{"code":-32601,"message":"Method not found"}"#)
        ),
        (
            #"{"jsonrpc": "2.0", "method": "fail", "id": 3}"#,
            answer(#""id":3,"error":{"code":-32603,"message":"Internal error"}"#)
        ),
        (
            #"{"jsonrpc": "2.0", "method": "divide", "params": {"left":1,"right":0}, "id": 4}"#,
            answer(#""id":4,"error":{"code":7,"message":"division by zero","data":[1]}"#)
        ),
        (#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#, invalid("method is not a string")),
        (#"{"jsonrpc": "2.0", "method": 1, "id": 5}"#, invalid("method is not a string", id: "5")),
        (#"{"jsonrpc": "2.0", "method": "sum", "params": 1}"#, invalid("params is neither object nor array")),
        (#"{"jsonrpc": "1.0", "method": "ping", "id": 1}"#, invalid(#"jsonrpc is not \"2.0\""#, id: "1")),
        (#"{"method": "ping", "id": 1}"#, invalid(#"jsonrpc is not \"2.0\""#, id: "1")),
        (
            #"{"jsonrpc": "2.0", "method": "ping", "id": [1]}"#,
            invalid("id is not a number, string or null of at most 256 bytes")
        ),
        (#"{"jsonrpc": "2.0", "method": "ping", "method": "sum", "id": 1}"#, invalid("a duplicate member", id: "1")),
        (#"{"jsonrpc": "2.0", "method": "ping", "id": 1, "id": 2}"#, invalid("a duplicate member", id: "2")),
        (#"{}"#, invalid(#"jsonrpc is not \"2.0\""#)),
        (#"1"#, invalid("not an object")),
        (#""text""#, invalid("not an object")),
        (#"[]"#, invalid("an empty batch")),
        (#"[1]"#, "[\(invalid("not an object"))]"),
    ]

    @Test(arguments: examples)
    func `has this answer`(request: String, answer: String) async throws {
        let received = try await Conversation(methods: .arithmetic).runRaw { try await $0.ask(request) }
        #expect(received == answer)
    }

    @Test(arguments: [
        #"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#, "", " ", "{", "[1,", #"{"a"}"#, "01", "1 2",
        "tru", "-", "1.", "1e", #""\x""#, #""\u12g4""#, "\"\u{1}\"", #"{"a":1,}"#, "[1,]", "nul", "{]",
    ])
    func `has a parse error for text that is not JSON, and the connection survives`(request: String) async throws {
        try await Conversation(methods: .arithmetic).runRaw { connection in
            let answer = try await connection.ask(request)
            #expect(answer?.hasPrefix(Self.answer(#""id":null,"error":{"code":-32700,"#).dropLast()) == true)
            let next = try await connection.ask(#"{"jsonrpc":"2.0","method":"ping","id":1}"#)
            #expect(next == #"{"jsonrpc":"2.0","id":1,"result":"pong"}"#)
        }
    }

    @Test func `has a parse error for bytes that are not UTF-8`() async throws {
        try await Conversation(methods: .arithmetic).runRaw { connection in
            try await connection.send([0x22, 0xC3, 0x22])
            #expect(
                try await connection.nextText()
                    == Self.error(-32700, "Parse error", #""the text is not UTF-8""#))
        }
    }

    @Test(arguments: [
        ("add", #"[1]"#), ("add", #"{"left":1}"#), ("add", #"{"left":1,"right":"2"}"#), ("sum", #"["a"]"#),
        ("sum", #"{"a":1}"#), ("sum", #"[12345678901234567890123]"#),
    ])
    func `has invalid params for parameters that do not decode`(method: String, params: String) async throws {
        let answer = try await Conversation(methods: .arithmetic).runRaw { connection in
            try await connection.ask(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(params)}"#)
        }
        #expect(answer?.hasPrefix(Self.answer(#""id":1,"error":{"code":-32602,"#).dropLast()) == true)
    }

    @Test func `has invalid params where none came and some are needed`() async throws {
        try await Conversation(methods: .arithmetic).run { peer in
            await expectError(.invalidParams) { try await peer.request("add") }
        }
    }

    @Test func `answers no notification, whatever becomes of it`() async throws {
        let conversation = Conversation(methods: .arithmetic)
        let answer = try await conversation.runRaw { connection in
            for call in [#""ping""#, #""foobar""#, #""fail""#, #""add","params":[1]"#] {
                try await connection.send(#"{"jsonrpc":"2.0","method":\#(call)}"#)
            }
            return try await connection.ask(#"{"jsonrpc":"2.0","method":"ping","id":9}"#)
        }
        #expect(answer == #"{"jsonrpc":"2.0","id":9,"result":"pong"}"#)
        #expect(conversation.events.texts.count == 3)
    }

    @Test func `never answers an answer`() async throws {
        let conversation = Conversation(methods: .arithmetic)
        let answer = try await conversation.runRaw { connection in
            for reply in [
                #"{"jsonrpc":"2.0","id":1,"result":1}"#, #"{"jsonrpc":"2.0","id":"a","result":1}"#, #"{"result":1}"#,
                #"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#, #"{"jsonrpc":"2.0","id":1,"error":1}"#,
                #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
            ] {
                try await connection.send(reply)
            }
            return try await connection.ask(#"{"jsonrpc":"2.0","method":"ping","id":9}"#)
        }
        #expect(answer == #"{"jsonrpc":"2.0","id":9,"result":"pong"}"#)
        #expect(conversation.events.texts.count == 6)
        #expect(conversation.events.texts.last?.hasPrefix("errorReport") == true)
    }

    @Test func `has errors that travel as values, both ways`() async throws {
        try await Conversation(methods: .arithmetic).run { peer in
            do {
                try await peer.request("divide", Pair(left: 5, right: 0))
                Issue.record("no error")
            } catch let error as JSONRPCError {
                #expect(error.code.rawValue == 7)
                #expect(error.message == "division by zero")
                #expect(try error.data?.decode(as: [Int].self) == [5])
            }
            await expectError(.methodNotFound) { try await peer.request("foobar") }
            await expectError(.internalError) { try await peer.request("fail") }
            await expectError(.invalidParams) { try await peer.request("add", ["left": 1]) }
        }
    }
}

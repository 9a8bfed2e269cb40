// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct `80 · A client that is lax` {
    @Test(arguments: ["ping", "nothing"])
    func `sends null for no parameters`(method: String) async throws {
        var conversation = Conversation(methods: .arithmetic)
        conversation.methods.handleJSON("any") { params, _ in try params ?? JSONText(#""none""#) }
        let answer = try await conversation.runRaw {
            try await $0.send(#"{"jsonrpc":"2.0","method":"\#(method)","params":null}"#)
            return try await $0.ask(#"{"jsonrpc":"2.0","id":1,"method":"any","params":null}"#)
        }
        #expect(answer == #"{"jsonrpc":"2.0","id":1,"result":"none"}"#)
        #expect(conversation.events.texts == [])
    }

    @Test(arguments: [
        ("\\ud83d", "\u{FFFD}"), ("a\\uDE00b", "a\u{FFFD}b"), ("\\ud83d\\ud83d\\ude00", "\u{FFFD}😀"),
        ("\\\\ud83d", "\\ud83d"), ("\\ud83d\\n", "\u{FFFD}\n"), ("\\ud83d\\u0041", "\u{FFFD}A"),
        ("\\ud83d\\ude00", "😀"),
    ])
    func `sends half a surrogate pair`(written: String, read: String) async throws {
        var conversation = Conversation()
        conversation.methods.handle("text") { (texts: [String], _) in texts[0] == read ? "same" : texts[0] }
        let answer = try await conversation.runRaw {
            try await $0.ask(#"{"jsonrpc":"2.0","id":"\#(written)","method":"text","params":["\#(written)"]}"#)
        }
        // The id goes back as it came.
        #expect(answer == #"{"jsonrpc":"2.0","id":"\#(written)","result":"same"}"#)
    }

    @Test func `sends half a surrogate pair to a channel`() async throws {
        let text = try await Conversation().serve { connection in
            let channel = PipeChannel<String, String>(connection, codec: .json)
            for try await text in channel.messages { try await channel.send(text) }
        } while: { address in
            try await PipeClient.withConnection(to: address) { try await $0.ask(#""a\ud83d""#) }
        }
        #expect(text == "\"a\u{FFFD}\"")
    }

    @Test(arguments: [("1.0", "1"), ("1", "1.00e0"), ("0.5", "5e-1"), ("-0", "0"), ("1e30", "10e29")])
    func `cancels by another spelling of the same number`(id: String, other: String) async throws {
        let (begun, cancelled) = (Door(), Door())
        let answer = try await `A request that is given up`.waiting(begun, cancelled).runRaw { connection in
            try await connection.send(#"{"jsonrpc":"2.0","id":\#(id),"method":"wait"}"#)
            try await begun.wait()
            return try await connection.ask(
                #"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":\#(other)}}"#)
        }
        #expect(
            answer
                == #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32800,"message":"Request cancelled"}}"#)
    }

    @Test func `sends blank lines to keep the connection alive`() async throws {
        var conversation = Conversation(methods: .arithmetic)
        conversation.framing = DelimiterFraming.newline
        let answer = try await conversation.runRaw {
            for blank in ["", " ", "\r"] { try await $0.send(blank) }
            return try await $0.ask(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
        }
        #expect(answer == #"{"jsonrpc":"2.0","id":1,"result":"pong"}"#)
        #expect(conversation.events.texts == [])
    }
}

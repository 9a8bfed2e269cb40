// SPDX-License-Identifier: Apache-2.0
#if Service
import NamedPipes
import NamedPipesRPC
import NamedPipesService
import PipeTestSupport
import Testing

private struct Quotation: Error { let text: String }

@Suite struct `The log of JSON-RPC` {
    private func methods() -> JSONRPCMethods {
        var methods = JSONRPCMethods()
        methods.handle("fail") { (words: [String], _) -> Int in throw Quotation(text: words[0]) }
        methods.handleOthers { _, _ in throw Quotation(text: "") }
        return methods
    }

    /// Has a client's lines answered, and returns the log and the answers.
    private func exchange(
        _ lines: [String], _ log: JSONRPCLog = JSONRPCLog(), methods: JSONRPCMethods? = nil
    ) async throws -> Journal {
        var running = try Running()
        running.configuration.server.connection.framing = DelimiterFraming.newline
        var rpc = JSONRPCPeer.Configuration()
        rpc.onEvent = log.note
        try await running.run { [rpc, methods = methods ?? self.methods()] connection in
            try await JSONRPCPeer.serve(connection, methods: methods, configuration: rpc)
        } while: { [running] _ in
            let client = PipeClient.Configuration(framing: DelimiterFraming.newline)
            try await PipeClient.withConnection(to: running.address, configuration: client) { connection in
                for line in lines { try await connection.send(line) }
                await connection.finishSending()
                for try await _ in connection.messages {}
            }
        }
        return running.journal
    }

    @Test func `names the type of a handler's error, with the method and the connection`() async throws {
        let journal = try await exchange([#"{"jsonrpc":"2.0","id":1,"method":"fail","params":["secret"]}"#])
        let line = journal.metadata("warning handler failed")
        #expect(line?["rpc.method"] == "fail")
        #expect(line?["pipe.detail"] == "Quotation")
        #expect(line?["pipe.connection"] == journal.metadata("debug connected")?["pipe.connection"])
        #expect(!journal.text.contains("secret"))
    }

    @Test func `gives it in full on demand`() async throws {
        let journal = try await exchange(
            [#"{"jsonrpc":"2.0","id":1,"method":"fail","params":["secret"]}"#], JSONRPCLog(describesErrors: true))
        #expect(journal.metadata("warning handler failed")?["pipe.detail"] == #"Quotation(text: "secret")"#)
    }

    @Test func `does not repeat a name that the other end has made up`() async throws {
        let journal = try await exchange([#"{"jsonrpc":"2.0","id":1,"method":"hunter2"}"#])
        #expect(journal.metadata("warning handler failed")?["rpc.method"] == "other")
        #expect(!journal.text.contains("hunter2"))
    }

    @Test func `does not repeat the name of a notification without a handler`() async throws {
        let journal = try await exchange(
            [#"{"jsonrpc":"2.0","method":"hunter2"}"#], methods: JSONRPCMethods())
        #expect(journal.metadata("debug notification dropped") != nil)
        #expect(!journal.text.contains("hunter2"))
    }

    @Test func `reports a message that is not understood, without a word of it`() async throws {
        let journal = try await exchange([
            #"{"secret"#, #"{"jsonrpc":"2.0","secret":1}"#, #"{"jsonrpc":"2.0","id":9,"result":"secret"}"#,
            #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"secret"}}"#,
        ])
        #expect(journal.metadata("notice no JSON")?["pipe.detail"] != nil)
        #expect(journal.metadata("notice no JSON-RPC")?["rpc.response.status_code"] == "-32600")
        #expect(journal.metadata("notice unexpected reply") != nil)
        #expect(journal.metadata("notice not understood by the other end")?["rpc.response.status_code"] == "-32700")
        #expect(!journal.text.contains("secret"))
    }

    @Test func `cannot be filled by a client`() async throws {
        let journal = try await exchange(Array(repeating: "x", count: 200))
        let notices = journal.lines.filter { $0 == "notice no JSON" }.count
        // Ten a second; on a busy machine, some of them may take longer.
        #expect((10..<200).contains(notices))
        #expect(journal.lines.filter { $0.hasSuffix("no JSON") }.count == 200)
    }
}
#endif

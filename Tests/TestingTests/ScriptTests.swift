// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

struct ScriptTests {
    private let exchange = PeerScript([
        .send("hello"), .expect("hello"), .send([]), .send("and again"), .expectMessages(2),
        .expectNothing(for: .milliseconds(20)), .finish, .expectEnd,
    ])

    private func failure(_ steps: [PeerScript.Step]) throws -> ScriptFailure? {
        let network = try MemoryNetwork()
        try network.makeServer(at: "echo", delegate: Echo())
        return #expect(throws: ScriptFailure.self) { try network.run(PeerScript(steps), against: "echo") }
    }

    @Test func `the same script runs in memory and over a socket`() throws {
        let network = try MemoryNetwork()
        try network.makeServer(at: "echo", delegate: Echo())
        try network.run(exchange, against: "echo")
        let reactor = try Reactor()
        let address = try PipeAddress.unique(prefix: "script")
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
        try exchange.run(connectingTo: address, on: reactor)
        #expect(server.statistics.receivedMessageCount == 3)
        reactor.stop()
        reactor.run()
    }

    @Test func `a server on another thread is waited for`() throws {
        let address = try PipeAddress.unique(prefix: "script")
        let thread = try ReactorThread { reactor in
            reactor.schedule(after: .milliseconds(20)) {
                _ = try? PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
            }
        }
        try exchange.run(connectingTo: address)
        thread.stop()
        thread.join()
    }

    @Test func `messages arrive whole from pieces of any size`() throws {
        let frames: [UInt8] = [0, 0, 0, 2, 65, 66, 0, 0, 0, 0, 0, 0, 0, 1, 67]
        for size in 1...frames.count {
            let network = try MemoryNetwork()
            let host = RecordingDelegate()
            let server = try network.makeServer(at: "host", delegate: host)
            try network.run(PeerScript([.sendBytes(frames, pieceSize: size)]), against: "host")
            #expect(host.texts == ["AB", "", "C"])
            // A read for each piece, so that they arrive in these pieces.
            #expect(server.statistics.receivedByteCount == frames.count)
            #expect(host.events.last == .closed(.closedByPeer))
        }
    }

    @Test func `a failure names the step and what happened instead`() throws {
        #expect(
            try failure([.send("a"), .expect("b")])?.description
                == #"step 2 of 2, expect "b": "a" came; first difference at byte 0: "a" in place of "b""#)
        #expect(
            try failure([.send("a"), .expectMessage("a number") { $0.count > 1 }])?.problem == "\"a\" came")
        #expect(try failure([.send("a"), .expectNothing(for: .seconds(1))])?.problem == "\"a\" came")
        #expect(try failure([.send("a"), .finish, .expectEnd])?.problem == "\"a\" came")
        #expect(
            try failure([.finish, .expect("a")])?.description
                == "step 2 of 2, expect \"a\": the other end has finished")
        #expect(try failure([.expect("a")])?.problem == "still waiting after 60.0 seconds")
        #expect(try failure([.sendBytes([255, 255, 255, 255]), .expectEnd, .expect("a")])?.number == 3)
    }

    @Test func `a missing server is a failure of the first step, which names those that are there`() throws {
        let network = try MemoryNetwork()
        func problem() -> String? {
            let failure = #expect(throws: ScriptFailure.self) { try network.run(exchange, against: "nobody") }
            #expect(failure?.number == 1)
            return failure?.problem
        }
        let missing = #"no connection: there is no server named "nobody" in this network; there is "#
        #expect(problem() == missing + "none")
        let servers = try ["jobs", "echo"].map { try network.makeServer(at: $0, delegate: Echo()) }
        #expect(problem() == missing + #""echo", "jobs""#)
        servers[1].stop()
        network.settle()
        #expect(problem() == missing + #""jobs""#)
    }

    @Test func `a failure shows long messages, and where they differ first`() throws {
        let sent = String(repeating: "0123456789", count: 20)
        let expected = sent.replacing("9012", with: "9X12", maxReplacements: 1)
        let failure = try failure([.send(sent), .expect(expected)])
        #expect(failure?.step == "expect \"\(expected)\"")
        #expect(
            failure?.problem == """
                "\(sent)" came; first difference at byte 10: "0123456789012345678901234567890123456789"… in place of \
                "0123456789X12345678901234567890123456789"…
                """)
        let long = [UInt8](repeating: 0x61, count: 1000)
        let beginning = String(repeating: "a", count: 256)
        #expect(
            try self.failure([.send(long), .expect(long + [0x62])])?.problem
                == "\"\(beginning)\"… (1000 bytes) came; it ends after 1000 bytes, before …\"b\"")
        #expect(
            try self.failure([.send(long + [0, 1]), .expect(long)])?.problem.hasSuffix(
                "(1002 bytes) came; it has 2 bytes more, from byte 1000 on: …[0, 1]") == true)
    }

    @Test func `JSON is compared by its values, and a failure names the path of the first difference`() throws {
        let sent = #"{"jsonrpc":"2.0","id":1,"result":{"items":[1,{"a b":"\u0041"}]}}"#
        let same = #"{"result": {"items": [1.0, {"a b": "A"}]}, "id": 10e-1, "jsonrpc": "2.0"}"#
        let network = try MemoryNetwork()
        try network.makeServer(at: "echo", delegate: Echo())
        try network.run(PeerScript([.send(sent), .expectJSON(same)]), against: "echo")
        func problem(_ expected: String) throws -> String? {
            let text = try failure([.send(sent), .expectJSON(expected)])?.problem
            let beginning = sent.debugDescription + " came; "
            #expect(text?.hasPrefix(beginning) == true)
            return text.map { String($0.dropFirst(beginning.count)) }
        }
        #expect(try problem(#"{"id":1}"#) == #"$.jsonrpc is "2.0", and is not expected"#)
        #expect(try problem(same.replacing("10e-1", with: "2")) == "$.id is 1, not 2")
        #expect(
            try problem(same.replacing("\"A\"", with: "\"B\""))
                == #"$.result.items[1]["a b"] is "\u0041", not "B""#)
        #expect(
            try problem(same.replacing("}]}", with: "},3]}"))
                == "$.result.items[2] is missing, and is expected to be 3")
        #expect(try problem("[]") == "$ is \(sent), not []")
        #expect(
            try failure([.send("no"), .expectJSON("1")])?.problem
                == #""no" came; it is not JSON: byte 1 is not valid JSON"#)
        #expect(
            try failure([.send("1"), .expectJSON("{")])?.problem.hasPrefix("the expected value is not JSON: ") == true)
    }

    @Test func `a framing that differs from that of the other end is named`() throws {
        let network = try MemoryNetwork()
        try network.makeServer(at: "lines", configuration: .init(framing: DelimiterFraming.newline), delegate: Echo())
        let exchange = PeerScript([.send("hello"), .expect("hello")])
        let mismatch = """
            ; the script's framing is LengthPrefixFraming (4 bytes, bigEndian), the other end's DelimiterFraming ([10])
            """
        let failure = #expect(throws: ScriptFailure.self) { try network.run(exchange, against: "lines") }
        #expect(failure?.problem.contains(mismatch) == true, "\(String(describing: failure))")
        // The same with the roles exchanged.
        let peer = try network.serve(exchange, at: "script")
        let client = try network.makeClient(
            to: "script", configuration: .init(framing: LengthPrefixFraming(byteOrder: .littleEndian)),
            delegate: RecordingDelegate { connection, event in
                if event == .opened { _ = try? connection.send("hello") }
            })
        client.connect()
        network.settle()
        let atServer = #expect(throws: ScriptFailure.self) { try peer.check() }
        #expect(
            atServer?.problem.hasSuffix(
                "; the script's framing is LengthPrefixFraming (4 bytes, bigEndian), the other end's "
                    + "LengthPrefixFraming (4 bytes, littleEndian)") == true, "\(String(describing: atServer))")
    }

    @Test func `limits alone are no difference of framings`() throws {
        let network = try MemoryNetwork()
        let small = LengthPrefixFraming(maximumMessageByteCount: 100)
        try network.makeServer(at: "small", configuration: .init(framing: small), delegate: Echo())
        let failure = #expect(throws: ScriptFailure.self) {
            try network.run(PeerScript([.send("a"), .expect("b")]), against: "small")
        }
        #expect(failure?.problem.contains("framing") == false)
    }

    @Test func `over a socket, a close without an answer has its likely causes`() throws {
        let reactor = try Reactor()
        let address = try PipeAddress.unique(prefix: "script")
        _ = try PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
        let script = PeerScript([.send("hello"), .expect("hello")], framing: DelimiterFraming.newline)
        let failure = #expect(throws: ScriptFailure.self) { try script.run(connectingTo: address, on: reactor) }
        #expect(
            failure?.problem.hasSuffix(": nothing came back; the server may use another framing (see its log)") == true,
            "\(String(describing: failure))")
        reactor.stop()
        reactor.run()
    }

    @Test func `the error of an async handler is part of the failure`() throws {
        struct Oops: Error {}
        let network = try MemoryNetwork()
        network.serve(at: "broken") { connection in
            for try await _ in connection.messages { throw Oops() }
        }
        let failure = #expect(throws: ScriptFailure.self) {
            try network.run(PeerScript([.send("a"), .expect("a")]), against: "broken")
        }
        #expect(failure?.problem.hasSuffix("; the handler failed: Oops()") == true, "\(String(describing: failure))")
        // Not in the failure of a later conversation.
        let later = #expect(throws: ScriptFailure.self) {
            try network.run(PeerScript([.expect("a")]), against: "broken", within: .seconds(1))
        }
        #expect(later?.problem == "still waiting after 1.0 seconds")
    }

    @Test func `a script can also talk to a client`() throws {
        let network = try MemoryNetwork()
        let peer = try network.serve(PeerScript([.expect("question"), .send("answer"), .expectEnd]), at: "oracle")
        let recorder = RecordingDelegate { connection, event in
            if event == .opened { _ = try? connection.send("question") }
            if event == .received("answer") { connection.close() }
        }
        let client = try network.makeClient(to: "oracle", delegate: recorder)
        #expect(throws: ScriptFailure.self) { try peer.check() }
        client.connect()
        network.settle()
        try peer.check()
        #expect(recorder.texts == ["answer"])
    }

    @Test func `a reset is one, in memory and over a socket`() throws {
        let chatty = RecordingDelegate { connection, event in
            if case .received = event { _ = try? connection.send("never read") }
        }
        let script = PeerScript([.send("hello"), .reset(after: .milliseconds(50))])
        let network = try MemoryNetwork()
        try network.makeServer(at: "chatty", delegate: chatty)
        try network.run(script, against: "chatty")
        #expect(chatty.events.last == .closed(.resetByPeer))
        chatty.removeAll()
        let reactor = try Reactor()
        let address = try PipeAddress.unique(prefix: "script")
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: chatty)
        try script.run(connectingTo: address, on: reactor)
        reactor.run(timeout: .seconds(10)) { server.connectionCount == 0 }
        #expect(chatty.events.last == .closed(.resetByPeer))
        reactor.stop()
        reactor.run()
    }

    @Test func `a peer that does not read makes the other wait`() throws {
        let network = try MemoryNetwork()
        let block = [UInt8](repeating: 1, count: 100_000)
        let flooder = RecordingDelegate { connection, event in
            if event == .opened { for _ in 0..<20 { _ = try? connection.send(block) } }
        }
        try network.makeServer(at: "flooder", delegate: flooder)
        try network.run(PeerScript([.pause(.seconds(5)), .expectMessages(20)]), against: "flooder")
        #expect(flooder.events.contains(.drained))
        #expect(network.clock.elapsed >= .seconds(5))
    }
}

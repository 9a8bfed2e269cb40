// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

@Suite(.timeLimit(.minutes(5)))
struct EchoAndSendTests {
    let reactor: Reactor
    let name = freshName()

    init() throws { reactor = try Reactor() }

    @Test func `arguments are messages, and replies are printed`() throws {
        try checkReplies(of: serve(reactor, "echo", name))
    }

    private func checkReplies(of server: Tool) throws {
        let sent = try run(reactor, "send", name, "--reply", "hello", "two words", "")
        #expect(sent.lines == ["hello", "two words", ""])
        #expect(sent.status == 0)
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("stopped after 1 connection (1 closed by the peer), 3 messages, 14 B"))
    }

    @Test func `with -v, send reports each step`() throws {
        let server = try serve(reactor, "echo", name)
        let sent = try run(reactor, "send", name, "--reply", "-v", "one", "three")
        #expect(sent.status == 0)
        let steps = sent.lines.map { $0.hasPrefix("pipectl: connect") ? String($0.prefix(17)) : $0 }
        #expect(
            steps == [
                "pipectl: connecti", "pipectl: connecte", "pipectl: sent 1, 3 bytes",
                "pipectl: received 1, 3 bytes", "one", "pipectl: sent 2, 5 bytes",
                "pipectl: received 2, 5 bytes", "three", "pipectl: the connection was closed here",
            ])
        _ = server
    }

    @Test func `lines of standard input are messages, the last one also without line feed`() throws {
        let server = try serve(reactor, "echo", name)
        let sent = try run(reactor, "send", name, "--reply", input: "one\n\nthree")
        #expect(sent.lines == ["one", "", "three"])
        #expect(sent.status == 0)
        _ = server
    }

    @Test func `standard input may be a file, or nothing`() throws {
        let server = try serve(reactor, "echo", name)
        let file = try run(
            reactor, "send", name, "--reply", errors: .dropped, redirection: "<\"$(dirname \"$0\")\"/description.json")
        #expect(file.status == 0)
        #expect(file.lines.first?.contains("{") == true)
        let nothing = try run(reactor, "send", name, "--reply", errors: .dropped, redirection: "</dev/null")
        #expect(nothing.status == 0)
        #expect(nothing.lines.isEmpty)
        _ = server
    }

    @Test func `a line may be as long as a message, and no longer`() throws {
        let server = try serve(reactor, "echo", name)
        let long = String(repeating: "x", count: 3_000_000)
        let sent = try run(reactor, "send", name, "--reply", input: "\(long)\nend\n")
        #expect(sent.lines == [long, "end"])
        let refused = try run(reactor, "send", name, "--max-message", "64KiB", input: long)
        #expect(refused.status == 1)
        #expect(refused.lines.first?.contains("exceeds 65536 bytes (--max-message raises it") == true)
        _ = server
    }

    @Test func `a long input arrives whole and in order, although the listener is slower`() throws {
        let listener = try serve(reactor, "listen", name)
        let padding = String(repeating: ".", count: 150)
        let expected = (1...20_000).map { "\($0) \(padding)" }
        let sent = try run(reactor, "send", name, input: expected.joined(separator: "\n"))
        #expect(sent.status == 0)
        #expect(sent.lines.isEmpty)
        listener.waitFor("\n20000 \(padding)\n")
        #expect(Array(listener.lines.dropFirst()) == expected)
    }

    @Test func `a task for each connection does the same, and counts the same`() throws {
        try checkReplies(of: serve(reactor, "echo", name, "--async"))
        let second = try run(reactor, "echo", "/nowhere/at/all.sock", "--async")
        #expect(second.status == 1)
    }

    @Test func `a task for each connection can receive by batches`() throws {
        try checkReplies(of: serve(reactor, "echo", name, "--async", "--batches"))
        let alone = try Tool(reactor, ["echo", name, "--batches"], assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(alone.waitForExit() == 2)
    }

    @Test func `both ends may poll`() throws {
        let server = try serve(reactor, "echo", name, "--busy-poll", "50us")
        let sent = try run(reactor, "send", name, "--reply", "--busy-poll", "1ms", "one", "two", "three")
        #expect(sent.lines == ["one", "two", "three"])
        #expect(sent.status == 0)
        _ = server
    }

    @Test func `send can wait for its server`() throws {
        let sender = try Tool(reactor, ["send", name, "--wait", "--reply", "early"])
        let server = try serve(reactor, "echo", name)
        #expect(sender.waitForExit() == 0)
        #expect(sender.lines == ["early"])
        _ = server
    }

    @Test func `an echo server without a name makes one up and leaves nothing behind`() throws {
        let server = try Tool(reactor, ["echo", "--until-input-ends"])
        server.waitFor("\n")
        let line = try #require(server.lines.first)
        let address = String(line.dropFirst("listening on ".count))
        #expect(try run(reactor, "send", address, "--reply", "x").lines == ["x"])
        server.endInput()
        #expect(server.waitForExit() == 0)
        #expect(leftovers(of: address).isEmpty)
    }
}

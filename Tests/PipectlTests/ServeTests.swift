// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct ServeTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    private func server(_ command: String, _ options: String...) throws -> Tool {
        let server = try Tool(reactor, ["serve", name, "--exec", command] + options)
        server.waitFor("listening on ")
        return server
    }

    @Test func `each message is a line of the command, and each line a message back`() throws {
        let server = try server("cat")
        let sent = try run(reactor, "send", name, "--reply", "hello", "two words", "")
        #expect(sent.lines == ["hello", "two words", ""])
        #expect(sent.status == 0)
        server.waitFor("the command exited with 0")
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("stopped after 1 connection (1 closed by the peer), 3 messages, 14 B"))
    }

    @Test func `connections have a process each, which knows its client`() throws {
        let server = try server("echo $CONNECTION $PEER_UID $PEER_PID $$; cat >/dev/null")
        let first = try run(reactor, "connect", name, input: "")
        let second = try run(reactor, "connect", name, input: "")
        let words = [first, second].map { $0.lines.first?.split(separator: " ") ?? [] }
        #expect(words.allSatisfy { $0.count == 4 })
        #expect(words[0].first != words[1].first)
        #expect(words[0].last != words[1].last)
        #expect(words[0].dropFirst().first.map(String.init) == "\(getuid())")
        _ = server
    }

    @Test func `output after the end of the input arrives, also a line without its end`() throws {
        let server = try server("wc -l; printf 'no line feed'")
        #expect(try run(reactor, "connect", name, input: "a\nb\nc\n").lines == ["3", "no line feed"])
        _ = server
    }

    @Test func `a command that fails ends its connection behind its last line, and its status is reported`() throws {
        let server = try server("echo sorry; echo why >&2; exit 3")
        let client = try run(reactor, "connect", name, "--stay", input: "")
        #expect(client.lines.first == "sorry")
        server.waitFor("\nwhy\n")
        server.waitFor("the command exited with 3")
    }

    @Test func `a command that cannot be found is reported`() throws {
        let server = try server("exec /nowhere/at/all")
        _ = try run(reactor, "connect", name, "--stay", input: "")
        server.waitFor("the command exited with 127")
    }

    /// The output of a client whose input ends once it has read this: before that, a command has unlimited time.
    private func linesOfClient(until text: String) throws -> [String] {
        let client = try Tool(reactor, ["connect", name])
        client.waitFor(text)
        client.endInput()
        _ = client.waitForExit()
        return client.lines
    }

    @Test func `a command that goes on after the end of its input is ended, with what it started`() throws {
        // Two processes; the inner one reports when it ends.
        let server = try server(
            #"sh -c 'trap "echo inner gone >&2; exit" TERM; echo up; for i in $(seq 300); do sleep 0.1; done'; true"#,
            "--linger", "50ms")
        #expect(try linesOfClient(until: "up") == ["up"])
        server.waitFor("inner gone")
        server.waitFor("the command was ended by signal 15")
    }

    @Test func `one that does not obey SIGTERM is killed`() throws {
        let server = try server("trap '' TERM; echo up; for i in $(seq 300); do sleep 0.1; done", "--linger", "50ms")
        #expect(try linesOfClient(until: "up") == ["up"])
        server.waitFor("the command was ended by signal 9")
    }

    @Test func `a second signal to the server ends commands without waiting`() throws {
        let server = try server("echo up; sleep 30; true", "--linger", "0", "--grace", "0")
        let client = try Tool(reactor, ["connect", name, "--stay"])
        client.waitFor("up")
        #expect(server.terminateUntilItEnds() == 0)
        #expect(server.text.contains("the command was ended by signal 15"))
    }

    @Test func `a message with a line feed is refused, or escaped both ways`() throws {
        let refusing = try server("cat")
        let stranger = try Sender(to: name, on: reactor)
        try stranger.send("two\nlines")
        refusing.waitFor("a message contains a line feed (--escape allows that)")
        #expect(stranger.isEnded)
        refusing.terminate()
        #expect(refusing.waitForExit() == 0)

        let escaping = try server("cat", "--escape")
        let friend = try Sender(to: name, on: reactor)
        let messages = ["two\nlines", #"back\slash"#, #"\n"#, ""]
        for message in messages { try friend.send(message) }
        #expect(friend.received(messages.count) == messages)
        _ = escaping
    }

    @Test func `no more commands run than the limit says`() throws {
        let server = try server("echo up; cat", "--limit", "1")
        let first = try Tool(reactor, ["connect", name, "--stay"])
        first.waitFor("up")
        let second = try run(reactor, "connect", name, "--stay", input: "")
        #expect(second.lines.contains("up") == false)
        server.waitFor("refused: 1 commands are running (--limit)")
    }

    @Test func `many lines pass both ways, although the command is slower`() throws {
        let server = try server("while read -r line; do echo \"$line\"; done")
        let expected = (1...3000).map { "\($0) " + String(repeating: "x", count: 500) }
        let client = try run(reactor, "connect", name, input: expected.joined(separator: "\n") + "\n")
        #expect(client.lines == expected)
        _ = server
    }

    @Test func `a client that does not read makes the command wait`() throws {
        let server = try server("yes; true")
        let idle = try Sender(to: name, on: reactor, reads: false)
        #expect(server.terminateUntilItEnds() == 0)
        #expect(server.text.contains("the command "))
        _ = idle
    }

    @Test(arguments: [["serve", "x"], ["serve", "x", "--exec", "cat", "--limit", "0"], ["serve", "--exec", "cat"]])
    func `wrong command lines are refused`(arguments: [String]) throws {
        let tool = try Tool(reactor, arguments)
        #expect(tool.waitForExit() == 2)
    }
}

@Suite struct MessageLinesTests {
    @Test(arguments: [
        ("plain", "plain"), ("a\nb", #"a\nb"#), (#"\"#, #"\\"#), (#"\n"#, #"\\n"#), ("\\\n", #"\\\n"#), ("", ""),
    ])
    func `an escaped message comes back from its line`(message: String, line: String) throws {
        #expect(try MessageLines.escaped.line(of: Array(message.utf8)) == Array("\(line)\n".utf8))
        #expect(MessageLines.escaped.message(of: Array(line.utf8)) == Array(message.utf8))
    }

    @Test(arguments: [#"\x"#, #"\"#, #"a\"#])
    func `a backslash that escapes nothing stays`(line: String) {
        #expect(MessageLines.escaped.message(of: Array(line.utf8)) == Array(line.utf8))
        #expect(MessageLines.plain.message(of: Array(line.utf8)) == Array(line.utf8))
    }
}

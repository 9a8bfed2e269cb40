// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import NamedPipesProgram
import Testing

@testable import pipectl

/// `pipectl connect` on a terminal.
@Suite(.timeLimit(.minutes(5)))
struct ConversationTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    /// A server that the test lets speak.
    private final class Speaker: PipeServerDelegate {
        private(set) var connection: PipeConnection?
        private(set) var messages: [String] = []

        func connectionDidOpen(_ connection: PipeConnection) { self.connection = connection }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            messages.append(String(decoding: [UInt8](copying: message), as: UTF8.self))
        }

        func say(_ text: String) throws { try connection?.send(text) }
    }

    private let speaker = Speaker()

    private func start(_ options: String..., environment: [String: String] = [:]) throws -> (PipeServer, TerminalTool) {
        let server = try PipeServer(listeningOn: .init(parsing: name), reactor: reactor, delegate: speaker)
        return (server, try TerminalTool(reactor, ["connect", name] + options, environment: environment))
    }

    @Test func `what is typed and what arrives have marks, and Ctrl-D ends it`() throws {
        let (server, talk) = try start()
        talk.waitUntil { $0.line == "> " }
        #expect(!talk.isAsFound)
        talk.type("hello\r")
        reactor.run(timeout: deadline) { speaker.messages == ["hello"] }
        try speaker.say("good \u{1B}[2J day")
        talk.waitFor("< good")
        talk.type("\u{4}")
        #expect(talk.waitForExit() == .exited(0))
        #expect(talk.isAsFound)
        #expect(talk.screen.lines.dropFirst() == ["> hello", "< good \\u{1B}[2J day", ""])
        #expect(talk.text.contains("\u{1B}[36m> \u{1B}[0m") && talk.text.contains("\u{1B}[32m<\u{1B}[0m good"))
        #expect(speaker.messages == ["hello"])
        server.stop()
    }

    @Test func `keys behind Ctrl-D are not sent`() throws {
        let (server, talk) = try start()
        talk.waitUntil { $0.line == "> " }
        talk.type("hello\r\u{4}late\r")
        #expect(talk.waitForExit() == .exited(0))
        #expect(talk.isAsFound)
        #expect(speaker.messages == ["hello"])
        server.stop()
    }

    @Test func `a message that arrives while a line is typed is printed above it`() throws {
        let (server, talk) = try start()
        talk.waitUntil { $0.line == "> " }
        // The cursor is between the words.
        talk.type("one two\u{1B}b")
        talk.waitUntil { $0.line == "> one two" && $0.column == 6 }
        for number in 1...3 { try speaker.say("message \(number)") }
        talk.waitUntil { $0.lines.suffix(4) == ["< message 1", "< message 2", "< message 3", "> one two"] }
        talk.waitUntil { $0.column == 6 }
        talk.type("and \r")
        reactor.run(timeout: deadline) { !speaker.messages.isEmpty }
        #expect(speaker.messages == ["one and two"])
        talk.waitUntil { $0.lines.suffix(2) == ["> one and two", "> "] }
        server.stop()
        #expect(talk.waitForExit() == .exited(0))
        #expect(talk.isAsFound)
    }

    @Test func `a line that was begun is a failure when the server closes`() throws {
        let (server, talk) = try start()
        talk.waitUntil { $0.line == "> " }
        talk.type("half")
        talk.waitUntil { $0.line == "> half" }
        speaker.connection?.close()
        #expect(talk.waitForExit() == .exited(1))
        #expect(talk.isAsFound)
        #expect(talk.text.contains("closed by the server, and the rest of the input was not sent"))
        server.stop()
    }

    @Test func `the terminal is as it was after Ctrl-C, and not after Ctrl-Z that stops nothing`() throws {
        let (server, talk) = try start()
        talk.waitUntil { $0.line == "> " }
        // The kernel stops no session without a shell that could continue it.
        talk.type("still\u{1A}")
        talk.type(" there")
        talk.waitUntil { $0.line == "> still there" }
        #expect(!talk.isAsFound)
        talk.type("\u{3}")
        #expect(talk.waitForExit() == .exited(0))
        #expect(talk.isAsFound)
        server.stop()
    }

    @Test func `in the background, it prints messages and leaves the terminal alone until it is in the foreground`()
        throws
    {
        let server = try PipeServer(listeningOn: .init(parsing: name), reactor: reactor, delegate: speaker)
        let script = #""$0" "$@" & read -r line; fg; echo "status $?""#
        let talk = try TerminalTool(reactor, ["connect", name], script: script)
        talk.waitFor("Ctrl-D ends")
        try speaker.say("hi")
        talk.waitFor("< hi")
        #expect(talk.isAsFound)
        #expect(!talk.screen.lines.contains { $0.hasPrefix("> ") })
        // For the shell, which then brings it to the foreground.
        talk.type("\r")
        talk.waitUntil { $0.line == "> " }
        #expect(!talk.isAsFound)
        talk.type("hello\r")
        reactor.run(timeout: deadline) { speaker.messages == ["hello"] }
        talk.type("\u{4}")
        talk.waitFor("status 0")
        #expect(talk.waitForExit() == .exited(0))
        server.stop()
    }

    @Test func `lines are the terminal's own where it cannot draw, and with --raw`() throws {
        let (server, dumb) = try start(environment: ["TERM": "dumb"])
        let raw = try TerminalTool(reactor, ["connect", name, "--raw"])
        for talk in [dumb, raw] {
            talk.waitFor("Ctrl-D ends")
            #expect(talk.isAsFound)
            talk.type("\u{4}")
            #expect(talk.waitForExit() == .exited(0))
        }
        server.stop()
    }
}

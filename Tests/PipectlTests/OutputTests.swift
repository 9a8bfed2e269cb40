// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import Testing

@testable import pipectl

/// A command that cannot write or read fails with the reason.
@Suite(.timeLimit(.minutes(5)))
struct OutputTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    @Test(arguments: [
        ["stat", "NAME"], ["stat", "NAME", "--json"], ["stat", "NAME", "--watch", "50ms"],
        ["send", "NAME", "hi", "--reply"],
        ["connect", "NAME"], ["echo"], ["echo", "--async"], ["--help"], ["help", "send"],
    ])
    func `81 · a full device is a failure with its reason`(command: [String]) throws {
        let server = try serve(reactor, "echo", name)
        let tool = try Tool(
            reactor, command.map { $0 == "NAME" ? name : $0 }, redirection: ">/dev/full",
            assignment: "ASAN_OPTIONS=detect_leaks=0")
        tool.write("a line\n")
        if command.first != "echo" { tool.endInput() }
        #expect(tool.waitForExit() == 1)
        #expect(tool.text.contains("No space left on device"), "\(tool.text)")
        _ = server
    }

    @Test(arguments: [[], ["--json"], ["--raw"]])
    func `81 · a listener that cannot print a message ends`(style: [String]) throws {
        let listener = try Tool(reactor, ["listen", name] + style, redirection: ">/dev/full")
        listener.waitFor("listening on")
        _ = try run(reactor, "send", name, "not lost in silence")
        #expect(listener.waitForExit() == 1)
        #expect(listener.text.contains("No space left on device"))
    }

    @Test(arguments: ["stat NAME --watch 20ms", "listen OTHER"])
    func `81 · a reader that has gone ends the command that writes for it`(command: String) throws {
        let server = try serve(reactor, "echo", name)
        let other = freshName()
        let words = command.replacing("NAME", with: name).replacing("OTHER", with: other)
        let tool = try Tool(
            reactor,
            command: [
                "/bin/sh", "-c", "{ { \"$0\" \(words); echo \"status $?\" >&2; } | head -n 1 >/dev/null; }",
                Tool.program,
            ], errors: .merged)
        if command.hasPrefix("listen") {
            tool.waitFor("listening on")
            // The first one is read; then the reader goes, and one of those that follow finds that out.
            while !tool.text.contains("status") {
                guard try run(reactor, "send", other, "x", errors: .dropped).status == 0 else { break }
            }
        }
        tool.waitFor("standard output no longer has a reader")
        tool.waitFor("status 1")
        _ = server
    }

    @Test(arguments: [["send", "NAME"], ["connect", "NAME"], ["echo", "--until-input-ends"]])
    func `81 · an input that cannot be read is a failure with its reason`(command: [String]) throws {
        let server = try serve(reactor, "echo", name)
        let tool = try Tool(reactor, command.map { $0 == "NAME" ? name : $0 }, redirection: "</")
        #expect(tool.waitForExit() == 1)
        #expect(tool.text.contains("standard input cannot be read: read: Is a directory"), "\(tool.text)")
        _ = server
    }

    @Test func `81 · complaints come with the number of those that were left out`() throws {
        let server = try serve(reactor, "echo", name, "--max-message", "4KiB")
        for _ in 0..<5 {
            _ = try run(reactor, "send", name, "--framing", "newline", "no length of ours", errors: .dropped)
        }
        server.terminate()
        #expect(server.waitForExit() == 0)
        let shown = server.lines.filter { $0.hasPrefix("pipectl: ") && $0.contains("--framing has to be the same") }
        let counted = server.lines.compactMap { line in
            line.split(separator: " ").firstIndex { $0.hasPrefix("complaint") }.flatMap { index in
                Int(line.split(separator: " ")[index - 1].drop { $0 == "(" })
            }
        }
        #expect(!shown.isEmpty)
        #expect(shown.count + counted.reduce(0, +) == 5)
    }

    /// The reply is there when the client wakes up, and the time is over as well.
    @Test func `78 · a reply that came while the process was stopped counts`() throws {
        let answering = Answering()
        let server = try PipeServer(listeningOn: .init(parsing: name), reactor: reactor, delegate: answering)
        let sender = try Tool(reactor, ["send", name, "question", "--reply", "--timeout", "1s"])
        #expect(reactor.run(timeout: deadline) { answering.connection != nil })
        sender.suspend()
        // Longer than its limit; nothing happens here meanwhile.
        reactor.run(timeout: .milliseconds(1300)) { false }
        try answering.connection?.send("answer")
        sender.signal(SIGCONT)
        #expect(sender.waitForExit() == 0, "\(sender.text)")
        #expect(sender.lines == ["answer"])
        server.stop()
    }

    private final class Answering: PipeServerDelegate {
        var connection: PipeConnection?

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) { self.connection = connection }
    }
}

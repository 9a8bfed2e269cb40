// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ConnectTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    @Test func `lines go out, messages come in, and the end of the input ends it`() throws {
        let server = try serve(reactor, "echo", name)
        let talk = try Tool(reactor, ["connect", name])
        talk.write("first\n")
        talk.waitFor("first\n")
        talk.write("second\n")
        talk.waitFor("second\n")
        talk.endInput()
        #expect(talk.waitForExit() == 0)
        #expect(talk.lines == ["first", "second"])
        _ = server
    }

    @Test func `the queue is sent at the end of the input`() throws {
        let listener = try serve(reactor, "listen", name)
        #expect(try run(reactor, "connect", name, input: "a\nb").status == 0)
        listener.waitFor("a\nb\n")
    }

    @Test func `it can stay until the server goes`() throws {
        let server = try serve(reactor, "echo", name)
        let talk = try Tool(reactor, ["connect", name, "--stay"])
        talk.write("last words\n")
        talk.endInput()
        talk.waitFor("last words\n")
        server.terminate()
        #expect(talk.waitForExit() == 0)
        #expect(talk.lines == ["last words", "pipectl: closed by the server"])
    }

    @Test func `input that is left over is a failure, whether or not it was read`() throws {
        let server = try PipeServer(listeningOn: .init(parsing: name), reactor: reactor, delegate: Closing())
        // More than is read at a time.
        let rest = try run(reactor, "connect", name, input: String(repeating: "0123456789\n", count: 50_000))
        #expect(rest.status == 1)
        let nothing = try Tool(reactor, ["connect", name])
        #expect(nothing.waitForExit() == 1)
        let text =
            "pipectl: closed by the server; nothing came back: the server may have refused this client (see its log)"
        #expect(nothing.lines == [text])
        server.stop()
    }

    @Test func `with -v it reports each step, with -q none`() throws {
        let server = try serve(reactor, "echo", name, "-q", errors: .dropped)
        let talk = try Tool(reactor, ["connect", name, "--wait", "-v"])
        talk.write("first\n")
        talk.waitFor("first\n")
        talk.endInput()
        #expect(talk.waitForExit() == 0)
        let lines = talk.lines.filter { !$0.hasPrefix("pipectl: connected to uid ") }
        #expect(lines.count == talk.lines.count - 1)
        #expect(
            lines == [
                "pipectl: connecting to \(name), framing length, messages of at most 16,777,216 bytes",
                "pipectl: sent 1, 5 bytes", "pipectl: received 1, 5 bytes", "first",
                "pipectl: the connection was closed by the peer",
            ])
        let silent = try Tool(reactor, ["connect", name, "-q"])
        silent.write("second\n")
        silent.waitFor("second\n")
        server.terminate()
        #expect(silent.waitForExit() == 0)
        #expect(silent.lines == ["second"])
    }

    private final class Closing: PipeServerDelegate {
        func connectionDidOpen(_ connection: PipeConnection) { connection.close() }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram
import Testing

@testable import pipectl

#if NATS
import NamedPipesNATS
#endif

@Suite(.timeLimit(.minutes(5)))
struct ExitStatusTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    @Test func `help and version of nothing are successes`() throws {
        #expect(try run(reactor, "--help").status == 0)
        #expect(try run(reactor, "help", "send").status == 0)
    }

    @Test(arguments: [
        ["bogus"], ["send"], ["send", "a/b", "x"], ["echo", "/tmp/../x"], ["echo", "@x", "--framing", "nope"],
        ["echo", "@x", "--max-message", "5XB"], ["send", "@x", "--timeout", "soon"],
        ["listen", "@x", "--json", "--raw"],
        ["demo", "--clients", "0"],
    ])
    func `a wrong command line is 2`(_ arguments: [String]) throws {
        // ArgumentParser exits while it still holds its own objects, which LeakSanitizer would count.
        let tool = try Tool(reactor, arguments, assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(tool.waitForExit() == 2)
        #expect(tool.text.contains("Error: "))
    }

    #if NATS
    @Test func `a wrong address at a broker is a wrong command line`() throws {
        #expect(try run(reactor, "send", "nats://host:99999/x", "hi").status == 2)
        for error in [NATSError.invalidAddress("x"), .invalidServer("x"), .invalidName("x")] {
            #expect(Failure(error).status == .usage)
            #expect(ProgramFailure(describing: error).status == 2)
        }
        #expect(ProgramFailure(describing: NATSError.noBroker).status == 1)
    }
    #endif

    @Test func `no server is 1, with a hint`() throws {
        let sent = try run(reactor, "send", name, "x")
        #expect(sent.status == 1)
        #expect(sent.lines == ["pipectl: no server at \(name) (is it running? --wait waits for it)"])
        #expect(try run(reactor, "connect", name).status == 1)
    }

    @Test func `no server within the time is 3`() throws {
        #expect(try run(reactor, "send", name, "x", "--wait", "--timeout", "50ms").status == 3)
    }

    @Test func `no reply within the time is 3, and says how many came`() throws {
        let listener = try serve(reactor, "listen", name)
        let sent = try run(reactor, "send", name, "a", "b", "--reply", "--timeout", "50ms")
        #expect(sent.status == 3)
        #expect(sent.lines.first?.contains("no reply for") == true)
        #expect(sent.lines.first?.contains("1 sent, 0 answered") == true)
        _ = listener
    }

    @Test func `a server that reads nothing is 3`() throws {
        let server = try PipeServer(
            listeningOn: .init(parsing: name), reactor: reactor, delegate: Mute { $0.pauseReceiving() })
        let sent = try run(
            reactor, "send", name, "--timeout", "100ms", input: String(repeating: "0123456789\n", count: 500_000))
        #expect(sent.status == 3)
        #expect(sent.lines.first?.contains("the server takes nothing") == true)
        server.stop()
    }

    @Test func `a connection lost before every reply is 1`() throws {
        let server = try PipeServer(listeningOn: .init(parsing: name), reactor: reactor, delegate: Mute { $0.close() })
        let sent = try run(reactor, "send", name, "a", "--reply")
        #expect(sent.status == 1)
        #expect(sent.lines.first?.contains("the connection was closed by the peer") == true)
        server.stop()
    }

    @Test func `a name that is taken is 1`() throws {
        let server = try serve(reactor, "echo", name)
        let second = try run(reactor, "echo", name)
        #expect(second.status == 1)
        #expect(second.lines.first?.contains("belongs to a running server, process ") == true)
        _ = server
    }

    @Test func `a message that is too large is 1`() throws {
        let server = try serve(reactor, "echo", name)
        let sent = try run(reactor, "send", name, "12345", "--max-message", "4")
        #expect(sent.status == 1)
        #expect(
            sent.lines == [
                "pipectl: a message of 5 bytes exceeds the limit of 4 (--max-message raises it, at both ends)"
            ])
        _ = server
    }

    /// Does one thing with every connection, and answers nothing.
    private final class Mute: PipeServerDelegate {
        private let action: (PipeConnection) -> Void

        init(_ action: @escaping (PipeConnection) -> Void) { self.action = action }

        func connectionDidOpen(_ connection: PipeConnection) { action(connection) }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
    }
}

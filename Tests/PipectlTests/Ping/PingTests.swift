// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

/// The fields of the JSON that the tests check.
private struct Report: Decodable {
    struct Latency: Decodable {
        let worst: Double
    }
    let method: String
    let askedCount: Int
    let answeredCount: Int
    let latencySeconds: Latency?
}

@Suite(.timeLimit(.minutes(5)))
struct PingTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    private func ping(_ arguments: String...) throws -> (status: Int32?, report: Report) {
        let tool = try Tool(reactor, ["ping", "--json", "-i", "0"] + arguments, errors: .dropped)
        let status = tool.waitForExit()
        return (status, try JSONDecoder().decode(Report.self, from: Data(tool.output)))
    }

    @Test func `a server with statistics is asked for them`() throws {
        let server = try serve(reactor, "echo", name, "--stat")
        // They begin a moment after the server listens.
        var answer = try ping(name, "-c", "3")
        while answer.report.method != "statistics" { answer = try ping(name, "-c", "3") }
        #expect(answer.status == 0)
        #expect([answer.report.askedCount, answer.report.answeredCount] == [3, 3])
        #expect(answer.report.latencySeconds?.worst ?? 0 > 0)
        let text = try run(reactor, "ping", name, "-c", "2", "-i", "1ms").lines
        #expect(text.count == 4)
        #expect(text[0].hasPrefix("answer 1 in ") && text[2] == "\(name): 2 asked (statistics), 2 answered")
        let quiet = try run(reactor, "ping", name, "-c", "2", "-i", "0", "-q").lines
        #expect(quiet.count == 2)
        server.terminate()
        #expect(server.waitForExit() == 0)
    }

    @Test func `other servers are connected to, or asked to send a message back`() throws {
        let server = try serve(reactor, "echo", name, "--framing", "newline")
        let connecting = try ping(name, "-c", "3")
        #expect(connecting.status == 0)
        #expect(connecting.report.method == "connect" && connecting.report.answeredCount == 3)
        let echoing = try ping(name, "-c", "3", "--echo", "--framing", "newline")
        #expect(echoing.status == 0)
        #expect(echoing.report.method == "echo" && echoing.report.answeredCount == 3)
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains(", 3 messages,"))
    }

    @Test func `an answer that does not come is 3, and a wrong one 1`() throws {
        let silent = try PipeServer(
            listeningOn: PipeAddress(parsing: name), reactor: reactor, delegate: Answering(nil))
        let none = try ping(name, "-c", "2", "--echo", "--timeout", "50ms")
        #expect(none.status == 3)
        #expect([none.report.askedCount, none.report.answeredCount] == [2, 0])
        #expect(none.report.latencySeconds == nil)
        silent.stop()
        let other = freshName()
        let wrong = try PipeServer(
            listeningOn: PipeAddress(parsing: other), reactor: reactor, delegate: Answering("no"))
        let text = try run(reactor, "ping", other, "-c", "1", "--echo")
        #expect(text.status == 1)
        #expect(text.lines.last == "pipectl: the server sent something else: no")
        wrong.stop()
        #expect(try run(reactor, "ping", freshName(), "-c", "2", "-i", "0").status == 1)
    }

    @Test func `a server that refuses this client has not answered`() throws {
        var configuration = PipeServer.Configuration()
        configuration.accessPolicy = .users([])
        let server = try PipeServer(
            listeningOn: .init(parsing: name), configuration: configuration, reactor: reactor, delegate: Answering(nil))
        let (status, lines) = try run(reactor, "ping", name, "-c", "1", "--watch", "2m")
        #expect(status == 1)
        #expect(lines.first?.hasPrefix("no answer 1: the connection was ") == true, "\(lines)")
        server.stop()
    }

    @Test func `a signal ends it, with the results so far`() throws {
        let server = try serve(reactor, "echo", name)
        let tool = try Tool(reactor, ["ping", name, "-c", "0", "-i", "1h"])
        tool.waitFor("answer 1 in ")
        tool.signal(SIGINT)
        #expect(tool.waitForExit() == 0)
        #expect(tool.lines.contains("\(name): 1 asked (connect), 1 answered"))
        _ = server
    }

    /// Answers each message with a text, or not at all.
    private final class Answering: PipeServerDelegate {
        private let text: String?

        init(_ text: String?) { self.text = text }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            if let text { #expect(throws: Never.self) { try connection.send(text) } }
        }
    }
}

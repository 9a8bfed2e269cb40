// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct ListTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    private struct Pipe: Decodable {
        let address: String
        let program: String?
        let pid: Int32?
        let uid: UInt32?
        let acceptedCount: Int
        let waitingCount: Int
        let backlog: Int
        let offersStatistics: Bool
        let framing: String?
    }

    private func list(_ arguments: String...) throws -> [Pipe] {
        let tool = try Tool(reactor, ["ls", "--json"] + arguments, errors: .dropped)
        #expect(tool.waitForExit() == 0)
        return try tool.lines.map { try JSONDecoder().decode(Pipe.self, from: Data($0.utf8)) }
    }

    @Test func `a server is listed under its name, with its process and its clients`() throws {
        let directory = try Directory()
        let path = directory.path + "/socket"
        let server = try serve(reactor, "echo", path)
        let client = try Sender(to: path, on: reactor)
        try client.send("hello")
        #expect(client.received(1) == ["hello"])
        let pipes = try list(directory.path)
        let pipe = try #require(pipes.first)
        #expect(pipes.count == 1 && pipe.address == path)
        #expect(pipe.program == "pipectl" && pipe.uid == geteuid())
        #expect(pipe.acceptedCount == 1 && pipe.waitingCount == 0 && pipe.backlog == 4096)
        #expect(!pipe.offersStatistics && pipe.framing == nil)
        let text = try run(reactor, "ls", path).lines
        #expect(text.count == 2)
        #expect(text[0].hasPrefix("PROGRAM") && text[0].hasSuffix("ADDRESS"))
        #expect(text[1].hasPrefix("pipectl") && text[1].hasSuffix("   \(path)"))
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(try list(directory.path).isEmpty)
    }

    @Test func `statistics are a mark, and a name of their own with --all`() throws {
        let server = try serve(reactor, "echo", name, "--stat")
        var all = try list("--all", name)
        while all.count < 2 { all = try list("--all", name) }
        #expect(all.map(\.address) == [name, name + ".stat"])
        let pipes = try list(name)
        #expect(pipes.map(\.address) == [name] && pipes[0].offersStatistics)
        _ = server
    }

    @Test func `the framing is shown where the server says it`() throws {
        let server = try serveWithStatistics(
            reactor, "echo", name, "--stat", "--framing", "delimiter:0d0a0d0a0d0a0d0a0d0a")
        let pipe = try #require(try list("--timeout", "10min", name).first)
        #expect(pipe.framing == "delimiter:0d0a0d0a0d0a0d0a0d0a")
        let text = try run(reactor, "ls", "--timeout", "10min", name).lines
        #expect(text.count == 2)
        #expect(text[1].contains("  delimiter:0d0a0d0a0d…  +"))
        _ = server
    }

    @Test func `a server that does not answer in time is listed without its framing`() throws {
        let deaf = try Reactor()
        let servers = try [name, name + ".stat"].map {
            try PipeServer(listeningOn: .init(parsing: $0), reactor: deaf, delegate: Silent())
        }
        let pipe = try #require(try list("--timeout", "10ms", name).first)
        #expect(pipe.address == name && pipe.offersStatistics && pipe.framing == nil)
        deaf.stop()
        deaf.run()
        _ = servers
    }

    @Test func `a name that waits for its server shows the waiting`() throws {
        let busy = try Reactor()
        let server = try PipeServer(listeningOn: .init(parsing: name), reactor: busy, delegate: Silent())
        let clients = try (0..<2).map { _ in try Sender(to: name, on: reactor) }
        let pipe = try #require(try list(name).first)
        #expect(pipe.pid == getpid() && pipe.waitingCount == 2 && pipe.acceptedCount == 0)
        busy.stop()
        busy.run()
        _ = (server, clients)
    }

    @Test func `another user's process is listed with --all only`() throws {
        let server = try serve(reactor, "echo", name)
        let own = try toolOfAnotherUser(reactor, ["ls", name])
        #expect(own.waitForExit() == 0 && own.lines.count == 1)
        let all = try toolOfAnotherUser(reactor, ["ls", "--all", name])
        #expect(all.waitForExit() == 0)
        #expect(all.lines.count == 2 && all.lines.last?.hasPrefix("-  ") == true, "\(all.lines)")
        _ = server
    }

    private final class Silent: PipeServerDelegate {
        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
    }
}

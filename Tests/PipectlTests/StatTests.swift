// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import NamedPipesRPC
import Testing

@testable import pipectl

/// The fields of a report's JSON that the tests check.
private struct Report: Decodable {
    struct Name: Decodable {
        struct File: Decodable {
            let mode: String
            let uid: UInt32
        }
        struct Connections: Decodable {
            let acceptedCount: Int
            let waitingCount: Int
            let backlog: Int
        }
        let file: File?
        let connections: Connections?
    }
    struct Listener: Decodable {
        let pid: Int32
        let uid: UInt32
    }
    struct Process: Decodable {
        let command: String
        let residentByteCount: Int
        let cpuSeconds: Double
        let runningSeconds: Double
    }
    let name: Name
    let listener: Listener
    let process: Process
    let statistics: ServerSnapshot?
}

@Suite(.timeLimit(.minutes(5)))
struct StatTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    /// Asks until the server's report is as wanted: its statistics begin a moment after it listens.
    private func report(
        on name: String, until condition: (Report) -> Bool = { _ in true }
    ) throws -> Report {
        let start = ContinuousClock.now
        while true {
            let stat = try run(reactor, "stat", name, "--json", errors: .dropped)
            #expect(stat.status == 0)
            let report = try JSONDecoder().decode(Report.self, from: Data((stat.lines.first ?? "").utf8))
            if condition(report) { return report }
            try #require(.now - start < deadline, "never so: \(stat.lines)")
        }
    }

    @Test func `shows a server of ours from outside and from inside`() throws {
        let server = try serve(reactor, "echo", name, "--stat")
        let client = try Sender(to: name, on: reactor)
        try client.send("hello")
        #expect(client.received(1) == ["hello"])
        let report = try report(on: name) { $0.statistics?.openCount == 1 }
        let numbers = try #require(report.statistics)
        #expect(numbers.receivedMessageCount == 1)
        #expect(numbers.sentByteCount == 9)
        #expect(numbers.processID == report.listener.pid)
        #expect(report.listener.uid == getuid())
        #expect(report.process.command.contains("echo \(name) --stat"))
        #expect(report.process.residentByteCount > 1_000_000)
        #expect(report.process.runningSeconds < 1000)
        #expect(report.name.file == nil)
        #expect(report.name.connections?.acceptedCount == 1)
        #expect(report.name.connections?.backlog == 4096)

        let text = try run(reactor, "stat", name).lines
        #expect(text.first == name)
        #expect(text.contains { $0.contains("1 open") })
        #expect(text.contains { $0.contains("received") && $0.contains("1 message, 9 B") })
        _ = server
    }

    @Test func `shows a file and its mode, and gives both names up at the end`() throws {
        let place = try Directory()
        let path = place.path + "/socket"
        let server = try serve(reactor, "echo", path, "--stat")
        let report = try report(on: path) { $0.statistics != nil }
        #expect(report.name.file?.mode == "1600")
        #expect(report.name.file?.uid == getuid())
        var status = Glibc.stat()
        #expect(unsafe lstat(path + ".stat", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(unsafe lstat(path, &status) != 0)
        #expect(unsafe lstat(path + ".stat", &status) != 0)
    }

    @Test func `also shows a server that does not offer statistics`() throws {
        let server = try serve(reactor, "echo", name)
        let stat = try run(reactor, "stat", name)
        #expect(stat.status == 0)
        #expect(stat.lines.last == "  statistics  not offered (--stat)")
        _ = server
    }

    @Test func `a server of commands has statistics as well`() throws {
        let server = try serve(reactor, "serve", name, "--exec", "cat", "--stat")
        #expect(try run(reactor, "send", name, "--reply", "one", "two").lines == ["one", "two"])
        let numbers = try report(on: name) { $0.statistics?.closed["closedByPeer"] ?? 0 >= 1 }.statistics
        #expect(numbers?.receivedMessageCount == 2)
        _ = server
    }

    @Test func `a server that takes the name over takes its statistics over`() throws {
        let place = try Directory()
        let path = place.path + "/socket"
        let first = try serve(reactor, "echo", path, "--stat")
        let before = try report(on: path) { $0.statistics != nil }
        let second = try serve(reactor, "echo", path, "--stat", "--take-over")
        let after = try report(on: path) { $0.statistics.map { $0.processID != before.listener.pid } ?? false }
        #expect(after.statistics?.processID == after.listener.pid)
        #expect(first.waitForExit() == 0)
        _ = second
    }

    @Test func `watching shows rates until a signal`() throws {
        let server = try serve(reactor, "echo", name, "--stat")
        _ = try report(on: name) { $0.statistics != nil }
        let watching = try Tool(reactor, ["stat", name, "--watch", "50ms"])
        watching.waitFor("\n  OPEN WAIT ")
        watching.waitFor("\n     0    0 ")
        let client = try Sender(to: name, on: reactor)
        watching.waitFor("\n     1    0 ")
        try client.send("hello")
        watching.waitFor("\n     1    0         0      0 B ")
        #expect(
            watching.lines.filter { $0.contains("OPEN WAIT") || $0.contains("    0 ") }.allSatisfy { $0.count <= 80 })
        watching.terminate()
        #expect(watching.waitForExit() == 0)
        _ = server
    }

    @Test func `a missing server is a failure`() throws {
        let stat = try run(reactor, "stat", name)
        #expect(stat.status == 1)
        #expect(stat.lines.first?.contains("no server at \(name)") == true)
    }

    @Test func `81 · the accepted and the waiting are counted, without those that have gone`() throws {
        let address = try PipeAddress(parsing: name)
        let busy = try Reactor()
        let server = try PipeServer(listeningOn: address, reactor: busy, delegate: Silent())
        let served = try (0..<3).map { _ in try Sender(to: name, on: reactor) }
        busy.run(timeout: deadline) { server.connectionCount == 3 }
        let waiting = try (0..<2).map { _ in try Sender(to: name, on: reactor) }
        #expect(NameFacts(of: address).connections == .init(acceptedCount: 3, waitingCount: 2, backlog: 4096))
        let gone = try Sender(to: name, on: reactor)
        gone.disconnect()
        #expect(gone.isEnded)
        #expect(NameFacts(of: address).connections == .init(acceptedCount: 3, waitingCount: 2, backlog: 4096))
        busy.stop()
        busy.run()
        _ = (served, waiting)
    }

    @Test func `81 · watching ends when the server has gone`() throws {
        let server = try serve(reactor, "echo", name)
        let watching = try Tool(reactor, ["stat", name, "--watch", "20ms"])
        watching.waitFor("\n     0    0         -        - ")
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(watching.waitForExit() == 1)
        #expect(watching.lines.last?.contains("no server at \(name)") == true)
    }

    @Test func `another user is told for whom the statistics are`() throws {
        let directory = try Directory(mode: 0o755)
        let path = directory.path + "/socket"
        let server = try serveWithStatistics(reactor, "echo", path, "--stat", "--allow", "any")
        let other = try toolOfAnotherUser(reactor, ["stat", path])
        #expect(other.waitForExit() == 0)
        #expect(other.text.contains("statistics  for the server's user and root only"), "\(other.text)")
        let plain = try serve(reactor, "echo", name)
        #expect(try run(reactor, "stat", name).lines.contains { $0.hasSuffix("statistics  not offered (--stat)") })
        _ = (server, plain)
    }

    @Test func `81 · a server that does not answer is a timeout`() throws {
        let server = try serve(reactor, "echo", name)
        let mute = try PipeServer(
            listeningOn: .init(parsing: name + ".stat"), configuration: .init(framing: DelimiterFraming.newline),
            reactor: reactor, delegate: Silent())
        #expect(try run(reactor, "stat", name, "--timeout", "100ms").status == 3)
        mute.stop()
        _ = server
    }

    @Test func `a client that waits to be accepted is told apart`() throws {
        let address = try PipeAddress(parsing: name)
        let busy = try Reactor()
        let server = try PipeServer(listeningOn: address, reactor: busy, delegate: Silent())
        let client = try Sender(to: name, on: reactor)
        let waiting = NameFacts(of: address)
        #expect(waiting.connections == .init(acceptedCount: 0, waitingCount: 1, backlog: 4096))
        busy.run(timeout: deadline) { server.connectionCount == 1 }
        #expect(NameFacts(of: address).connections == .init(acceptedCount: 1, waitingCount: 0, backlog: 4096))
        busy.stop()
        busy.run()
        _ = client
    }

    private final class Silent: PipeServerDelegate {
        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
    }
}

@Suite struct DiagnosisTests {
    /// A listening socket with a file and a queue, and the end, as the kernel sends them.
    private static let reply: [UInt8] = {
        let attributes: [[UInt8]] = [
            [12, 0, 1, 0, 7, 0, 0, 0, 9, 0, 0, 0], [12, 0, 4, 0, 3, 0, 0, 0, 128, 0, 0, 0],
            [6, 0, 0, 0, 0, 0x61, 0, 0],
        ]
        let body: [UInt8] = [1, 1, 10, 0] + Array(repeating: 0, count: 12) + attributes.joined()
        let head: [UInt8] = [UInt8(16 + body.count), 0, 0, 0, 20, 0, 2, 0] + Array(repeating: 0, count: 8)
        return head + body + [20, 0, 0, 0, 3, 0, 2, 0] + Array(repeating: 0, count: 12)
    }()

    @Test func `the kernel's description of a socket is understood`() throws {
        var sockets: [UnixSocket] = []
        #expect(try !DiagnosisReply.take(Self.reply[...], into: &sockets))
        let socket = UnixSocket(
            isListening: true, abstractName: [0x61], file: .init(inode: 7, device: 9), queue: (waiting: 3, limit: 128))
        #expect(sockets == [socket])
    }

    @Test func `an error of the kernel is one here, and a message that is cut short does no harm`() {
        var sockets: [UnixSocket] = []
        let error: [UInt8] = [36, 0, 0, 0, 2, 0, 0, 0] + Array(repeating: 0, count: 8) + [0xFE, 0xFF, 0xFF, 0xFF]
        #expect(throws: SystemError(call: "sock_diag", code: ENOENT)) {
            try DiagnosisReply.take((error + Array(repeating: 0, count: 16))[...], into: &sockets)
        }
        for count in 0..<Self.reply.count { _ = try? DiagnosisReply.take(Self.reply.prefix(count), into: &sockets) }
        for offset in Self.reply.indices {
            var damaged = Self.reply
            damaged[offset] = 255
            _ = try? DiagnosisReply.take(damaged[...], into: &sockets)
        }
    }
}

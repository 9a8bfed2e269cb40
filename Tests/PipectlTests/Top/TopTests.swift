// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import NamedPipesRPC
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct TopTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    /// Asks until the server reports this number of connections: its statistics begin a moment after it listens.
    private func list(_ count: Int, _ arguments: [String] = []) throws -> ConnectionList {
        let start = ContinuousClock.now
        while true {
            let top = try run(
                reactor, ["top", name, "--once", "--json", "--timeout", "600s"] + arguments, errors: .dropped)
            if let line = top.lines.first {
                let list = try JSONDecoder().decode(ConnectionList.self, from: Data(line.utf8))
                if list.totalCount == count { return list }
            }
            try #require(.now - start < deadline, "never so: \(top.lines)")
        }
    }

    @Test(arguments: ["1", "2"]) func `shows each connection, in 80 columns`(reactors: String) throws {
        let server = try serve(reactor, "echo", name, "--stat", "--reactors", reactors)
        let client = try Sender(to: name, on: reactor)
        try client.send("hello")
        #expect(client.received(1) == ["hello"])
        let connection = try #require(try list(1).connections.first)
        #expect(connection.processID == getpid() && connection.userID == getuid())
        #expect(connection.receivedMessageCount == 1 && connection.sentByteCount == 9)
        let top = try run(reactor, "top", name, "--once", "--timeout", "600s")
        #expect(top.status == 0)
        #expect(top.lines.count == 3 && top.lines.allSatisfy { $0.count <= 80 })
        #expect(top.lines.first == "\(name)  1 connection")
        #expect(top.lines.last?.hasPrefix(connection.id) == true)
        #expect(top.lines.last?.contains(" \(getpid()) ") == true)
        _ = server
    }

    @Test func `ends one where the server offers that`() throws {
        let server = try serve(reactor, "echo", name, "--allow-kick")
        let client = try run(
            reactor, ["top", name, "--once", "--limit", "0"], assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(client.status == 2)
        let tool = try Tool(reactor, ["connect", name, "--stay"])
        let id = try #require(try list(1).connections.first).id
        #expect(try run(reactor, "kick", name, id, "--timeout", "600s").status == 0)
        // Its status says whether this came soon after it had connected.
        #expect(tool.waitForExit() != nil)
        let again = try run(reactor, "kick", name, id, "--timeout", "600s")
        #expect(again.status == 1)
        #expect(again.lines == ["pipectl: \(name) has no connection \(id)"])
        let asJSON = try run(reactor, "kick", name, id, "--timeout", "600s", "--json", errors: .dropped)
        #expect(asJSON.status == 1)
        #expect(asJSON.lines == [#"{"address":"\#(name)","connection":"\#(id)","isEnded":false}"#])
        _ = server
    }

    @Test func `says what a server does not offer`() throws {
        let server = try serve(reactor, "echo", name, "--stat")
        _ = try list(0)
        let kick = try run(reactor, "kick", name, "2.1", "--timeout", "600s")
        #expect(kick.status == 1)
        #expect(kick.lines.first?.contains("does not offer that") == true)
        let other = try serve(reactor, "echo", name + "-plain")
        let top = try run(reactor, "top", name + "-plain", "--once", "--timeout", "600s")
        #expect(top.status == 1)
        #expect(top.lines.first?.contains("--stat") == true)
        _ = (server, other)
    }

    @Test func `computes rates between two reports, and over its life for a connection that is new`() {
        var old = ConnectionSnapshot(id: "2.1", queuedMessageCount: 0, queuedByteCount: 0)
        old.receivedMessageCount = 100
        old.sentMessageCount = 0
        var new = old
        new.receivedMessageCount = 1100
        new.ageSeconds = 1000
        var other = new
        other.id = "3.1"
        let first = ConnectionList(totalCount: 1, seconds: 10, connections: [old])
        let second = ConnectionList(totalCount: 2, seconds: 12, connections: [new, other])
        let lines = TopReport(second, since: first).text(title: "@a").split(separator: "\n")
        #expect(lines[2].split(separator: " ").dropFirst(3).prefix(2) == ["500", "0"])
        #expect(lines[3].split(separator: " ").dropFirst(3).prefix(2) == ["1", "0"])
    }

    @Test func `counters of a hostile server may be any numbers`() {
        var (old, new) = (
            ConnectionSnapshot(id: "2.1", queuedMessageCount: 0, queuedByteCount: 0),
            ConnectionSnapshot(id: "2.1", queuedMessageCount: .min, queuedByteCount: .min)
        )
        (old.receivedMessageCount, new.receivedMessageCount) = (.min, .max)
        (old.sentMessageCount, new.sentMessageCount) = (.max, .min)
        let first = ConnectionList(totalCount: .min, seconds: -.greatestFiniteMagnitude, connections: [old])
        let second = ConnectionList(totalCount: .max, seconds: 12, connections: [new])
        for (list, last) in [(first, second), (second, first), (second, nil)] {
            #expect(TopReport(list, since: last).text(title: "@a").contains("2.1"))
        }
    }

    @Test(arguments: [
        (0.04, "0.0s"), (9.9, "9.9s"), (9.96, "10s"), (99.4, "99s"), (100, "2m"), (5400, "90m"), (7200, "2h"),
        (172_799, "48h"), (172_800, "2d"),
    ]) func `writes times in at most four characters`(seconds: Double, text: String) {
        #expect(shortTime(seconds) == text)
    }
}

// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import NamedPipes
import NamedPipesRPC
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct ReactorTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    @Test func `several reactors echo and count as one does`() throws {
        let server = try serve(reactor, "echo", name, "--reactors", "3")
        try exchangeMessages(clientCount: 6)
        // Also those without a message: the server hears of each end before it stops.
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("stopped after 6 connections ("))
        #expect(server.text.contains(", 6 messages, 54 B"))
    }

    /// Each client sends a message, gets it back, and leaves.
    private func exchangeMessages(clientCount: Int) throws {
        let clients = try (0..<clientCount).map { _ in try Sender(to: name, on: reactor) }
        for (index, client) in clients.enumerated() { try client.send("message \(index)") }
        for (index, client) in clients.enumerated() { #expect(client.received(1) == ["message \(index)"]) }
        for client in clients {
            client.disconnect()
            #expect(client.isEnded)
        }
    }

    @Test func `as many reactors as there are processors`() throws {
        let server = try serve(reactor, "echo", name, "--reactors", "cores", "--busy-poll", "50us")
        #expect(try run(reactor, "send", name, "--reply", "one", "two").lines == ["one", "two"])
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains(", 2 messages, 6 B"))
    }

    @Test func `the second signal ends clients that do not read`() throws {
        let server = try serve(reactor, "echo", name, "--reactors", "2", "--grace", "0")
        let client = try Sender(to: name, on: reactor, reads: false)
        // More than a socket holds: some of it stays in the queue.
        for _ in 0..<8 { try client.send(String(repeating: "x", count: 1 << 20)) }
        #expect(server.terminateUntilItEnds() == 0)
        #expect(server.text.contains("stopped after 1 connection ("))
    }

    @Test func `a name is handed over between one reactor and several`() throws {
        let place = "/tmp/pipectl-reactors-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: place) }
        let path = place + "/socket"
        let first = try serve(reactor, "echo", path)
        let second = try serve(reactor, "echo", path, "--reactors", "2", "--take-over")
        #expect(first.waitForExit() == 0)
        let third = try serve(reactor, "echo", path, "--take-over")
        #expect(second.waitForExit() == 0)
        #expect(second.text.contains("was taken over"))
        #expect(try run(reactor, "send", path, "--reply", "x").lines == ["x"])
        _ = third
    }

    @Test func `lines of several reactors stay whole, and one client's in order`() throws {
        let listener = try serve(reactor, "listen", name, "--reactors", "2")
        // Longer than what a pipe takes at once without cutting it (PIPE_BUF).
        let padding = String(repeating: ".", count: 10_000)
        let senders = try ["a", "b"].map { sender in
            let tool = try Tool(reactor, ["send", name])
            for number in 1...50 { tool.write("\(sender) \(number) \(padding)\n") }
            tool.endInput()
            return tool
        }
        for sender in senders { #expect(sender.waitForExit() == 0) }
        for sender in ["a", "b"] { listener.waitFor("\n\(sender) 50 \(padding)\n") }
        let lines = listener.lines.dropFirst()
        #expect(lines.count == 100)
        for sender in ["a", "b"] {
            #expect(lines.filter { $0.hasPrefix(sender) } == (1...50).map { "\(sender) \($0) \(padding)" })
        }
    }

    @Test func `output that cannot be written stops all reactors`() throws {
        let listener = try Tool(reactor, ["listen", name, "--reactors", "2"], redirection: ">/dev/full")
        listener.waitFor("listening on")
        _ = try run(reactor, "send", name, "not lost in silence")
        #expect(listener.waitForExit() == 1)
        #expect(listener.text.contains("No space left on device"))
    }

    @Test func `each message costs the CPU time that it is told to`() throws {
        let server = try serve(reactor, "echo", name, "--work", "100ms", "--stat")
        let sent = try run(reactor, "send", name, "--reply", "1", "2", "3", "4", "5")
        #expect(sent.lines == ["1", "2", "3", "4", "5"])
        let report = try #require(try stat().processCPU)
        // Half a second, which the kernel reports in hundredths, rounded down.
        #expect(report >= 0.48)
        _ = server
    }

    @Test(arguments: [["--async"], ["--reactors", "2"], ["--async", "--reactors", "2"]])
    func `every kind of server works`(options: [String]) throws {
        let server = try Tool(reactor, ["echo", name, "--work", "1ms", "--stat"] + options)
        server.waitFor("listening on ")
        let sent = try run(reactor, "send", name, "--reply", "1", "2")
        #expect(sent.lines == ["1", "2"])
        server.terminate()
        #expect(server.waitForExit() == 0)
    }

    @Test func `standard input and output work as well`() throws {
        let echo = try Tool(reactor, ["echo", "--stdio", "--framing", "newline", "--work", "1ms"])
        echo.write("one\ntwo\n")
        echo.endInput()
        #expect(echo.waitForExit() == 0)
        #expect(echo.lines == ["one", "two"])
    }

    @Test func `tasks on several reactors count as those on one do`() throws {
        let server = try serve(reactor, "echo", name, "--async", "--reactors", "2", "--stat")
        let clients = try (0..<4).map { _ in try Sender(to: name, on: reactor) }
        for client in clients {
            try client.send("hello")
            #expect(client.received(1) == ["hello"])
        }
        _ = try stat { $0.statistics?.workers.map(\.openCount) == [2, 2] }
        for client in clients {
            client.disconnect()
            #expect(client.isEnded)
        }
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains(", 4 messages, 20 B"))
        let second = try run(reactor, "echo", "/nowhere/at/all.sock", "--async", "--reactors", "2")
        #expect(second.status == 1)
    }

    @Test func `the second signal ends tasks whose clients do not read`() throws {
        let server = try serve(reactor, "echo", name, "--async", "--reactors", "2", "--grace", "0")
        let client = try Sender(to: name, on: reactor, reads: false)
        for _ in 0..<8 { try client.send(String(repeating: "x", count: 1 << 20)) }
        #expect(server.terminateUntilItEnds() == 0)
        #expect(server.text.contains("stopped after "))
    }

    @Test func `commands are served on several reactors`() throws {
        let server = try serve(reactor, "serve", name, "--reactors", "2", "--exec", "cat", "--grace", "0")
        try exchangeMessages(clientCount: 4)
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains(", 4 messages, 36 B"))
    }

    @Test func `statistics have the sum and each reactor`() throws {
        let server = try serve(reactor, "echo", name, "--reactors", "2", "--stat")
        let clients = try (0..<3).map { _ in try Sender(to: name, on: reactor) }
        for client in clients {
            try client.send("hello")
            #expect(client.received(1) == ["hello"])
        }
        let numbers = try #require(try stat { $0.statistics?.openCount == 3 }.statistics)
        #expect(numbers.workers.count == 2)
        #expect(numbers.workers.map(\.openCount).sorted() == [1, 2])
        #expect(numbers.receivedMessageCount == 3)
        #expect(numbers.workers.map(\.receivedMessageCount).sorted() == [1, 2])
        let lines = try run(reactor, "stat", name).lines
        #expect(lines.contains { $0.contains("connections") && $0.contains("3 open, ") })
        let workers = lines.filter { $0.hasPrefix("  worker ") }
        #expect(workers.count == 2 && workers[0].hasPrefix("  worker 0 ") && workers[1].hasPrefix("  worker 1 "))
        #expect(workers.contains { $0.contains("2 open, 2 messages received, 2 sent, 0 B queued") })
        #expect(workers.contains { $0.contains("1 open, 1 message received, 1 sent, 0 B queued") })
        let watching = try Tool(reactor, ["stat", name, "--watch", "50ms"])
        watching.waitFor("   1-2\n")
        clients.first?.disconnect()
        watching.waitFor("\n     2    0 ")
        _ = server
    }

    @Test(arguments: [
        (["echo", "--reactors", "0"], "--reactors"), (["echo", "--reactors", "1025"], "--reactors"),
        (["echo", "--reactors", "many"], "--reactors"), (["echo", "--stdio", "--reactors", "2"], "--stdio"),
        (["listen", "fifo:/tmp/x", "--reactors", "2"], "FIFO"), (["echo", "--work", "much"], "--work"),
    ])
    func `what cannot be is refused`(arguments: [String], reason: String) throws {
        // ArgumentParser's error about a value looks like a leak to LeakSanitizer.
        let tool = try Tool(reactor, arguments, assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(tool.waitForExit() == 2)
        #expect(tool.text.contains(reason))
    }

    /// The part of a report that these tests check.
    private struct Report: Decodable {
        struct Process: Decodable {
            let cpuSeconds: Double
        }
        let process: Process?
        let statistics: ServerSnapshot?

        var processCPU: Double? { process?.cpuSeconds }
    }

    private func stat(until condition: (Report) -> Bool = { $0.statistics != nil }) throws -> Report {
        let start = ContinuousClock.now
        while true {
            let stat = try run(reactor, "stat", name, "--json", errors: .dropped)
            let report = try JSONDecoder().decode(Report.self, from: Data((stat.lines.first ?? "").utf8))
            if condition(report) { return report }
            try #require(.now - start < deadline, "never so: \(stat.lines)")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct TapTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    /// A tap that has begun: messages go by until it shows one. They contain `probe`.
    private func begunTap(_ client: Sender, _ arguments: String..., locale: String = "C.UTF-8") throws -> Tool {
        let tap = try Tool(
            reactor, ["tap", name, "--timeout", "600s"] + arguments, assignment: "LC_ALL=\(locale) ")
        let start = ContinuousClock.now
        var count = client.received(0).count
        while tap.output.isEmpty {
            try client.send("probe")
            count += 1
            try #require(client.received(count).count == count)
            try #require(.now - start < deadline, "never began")
        }
        return tap
    }

    private func lines(_ tap: Tool) -> [String] { tap.lines.filter { !$0.contains("probe") } }

    @Test(arguments: ["1", "2"]) func `shows each message on a line, escaped`(reactors: String) throws {
        let server = try serveWithStatistics(reactor, "echo", name, "--allow-tap", "--reactors", reactors)
        let client = try Sender(to: name, on: reactor)
        let tap = try begunTap(client)
        let count = client.received(0).count
        try client.send("a\tb\u{1B}[31m\\")
        _ = client.received(count + 1)
        try client.send("the end")
        tap.waitFor("← 7 B  the end\n")
        let shown = lines(tap).map { $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init) }
        try #require(shown.count == 4)
        let program = "\(ProcessFacts.name(of: getpid()) ?? "?")[\(getpid())]"
        for line in shown {
            #expect(line[0].count == 15 && line[0].filter { $0 == ":" }.count == 2)
            #expect(line[1].contains("/") == (reactors == "2"))
            #expect(line[2...].joined(separator: " ").hasPrefix("\(program) "))
        }
        #expect(lines(tap)[0].hasSuffix(#" → 9 B  a\tb\u{1B}[31m\\"#))
        #expect(lines(tap)[1].hasSuffix(#" ← 9 B  a\tb\u{1B}[31m\\"#))
        #expect(lines(tap)[2].hasSuffix(" → 7 B  the end"))
        tap.terminate()
        #expect(tap.waitForExit() == 0)
        _ = server
    }

    @Test func `shows what was chosen, and ends after a number of messages`() throws {
        let server = try serveWithStatistics(reactor, "echo", name, "--allow-tap")
        let client = try Sender(to: name, on: reactor)
        let choices = [
            ["--direction", "in"], ["--pid", "\(getpid())", "--direction", "in"],
            ["--user", "\(getuid())", "--direction", "in", "--grep", "probe"],
        ]
        for choice in choices {
            let tap = try Tool(
                reactor, ["tap", name, "--timeout", "600s", "--count", "3"] + choice, assignment: "LC_ALL=C ")
            var count = client.received(0).count
            let start = ContinuousClock.now
            while tap.lines.count < 3 {
                for text in ["probe", "other"] {
                    guard choice.contains("--grep") || text == "probe" else { continue }
                    try client.send(text)
                    count += 1
                    _ = client.received(count)
                }
                try #require(.now - start < deadline, "never so: \(tap.text)")
            }
            #expect(tap.waitForExit() == 0)
            #expect(tap.lines.count == 3 && tap.lines.allSatisfy { $0.hasSuffix(" > 5 B  probe") })
        }
        for choice in [["--pid", "1"], ["--user", "4294967294"]] {
            let tap = try Tool(reactor, ["tap", name, "--timeout", "600s"] + choice)
            let watched = try begunTap(client, "--count", "1")
            #expect(watched.waitForExit() == 0)
            #expect(tap.lines.isEmpty)
        }
        _ = server
    }

    @Test func `prints objects`() throws {
        struct Line: Decodable {
            struct Peer: Decodable {
                var uid: UInt32
                var pid: Int32
            }
            var time: String
            var connection: String
            var direction: String
            var peer: Peer
            var sequence: Int
            var size: Int
            var message: String?
        }
        let server = try serveWithStatistics(reactor, "echo", name, "--allow-tap")
        let client = try Sender(to: name, on: reactor)
        let tap = try begunTap(client, "--json", "--limit", "4")
        let count = client.received(0).count
        try client.send("häh?\u{1B}")
        _ = client.received(count + 1)
        tap.waitFor("häh")
        try client.send("")
        _ = client.received(count + 2)
        tap.waitFor(#""size":0"#)
        tap.terminate()
        #expect(tap.waitForExit() == 0)
        let all = try tap.lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        #expect(all.map(\.sequence) == Array(0..<all.count))
        let end = all.filter { $0.message != "prob" }
        #expect(end.prefix(3).map(\.message) == ["häh", "häh", ""] && end.prefix(3).map(\.size) == [6, 6, 0])
        #expect(end.prefix(3).map(\.direction) == ["in", "out", "in"])
        let one = try #require(end.first)
        #expect(
            end.allSatisfy { $0.peer.pid == getpid() && $0.peer.uid == getuid() && $0.connection == one.connection })
        #expect(one.time.contains("T") && one.time.hasSuffix("Z"))
        _ = server
    }

    @Test func `ends with the server, and says why there is none`() throws {
        let server = try serveWithStatistics(reactor, "echo", name, "--allow-tap")
        let client = try Sender(to: name, on: reactor)
        let tap = try begunTap(client, "--sizes")
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(tap.waitForExit() == 1)
        #expect(tap.lines.last?.hasPrefix("pipectl: \(name)") == true)
        #expect(tap.lines.dropLast().allSatisfy { $0.hasSuffix(" 5 B") })
        let missing = try run(reactor, "tap", name, "--timeout", "600s")
        #expect(missing.status == 1)
        #expect(missing.lines == ["pipectl: \(name) offers no tap, or has no server (--allow-tap of its server)"])
        let other = try serveWithStatistics(reactor, "echo", name, "--stat")
        let refused = try run(reactor, "tap", name, "--timeout", "600s")
        #expect(refused.status == 1)
        #expect(refused.lines.first?.contains("does not offer a tap (--allow-tap") == true, "\(refused.lines)")
        _ = other
    }

    @Test(arguments: ["tap", "record"])
    func `gives up on a server that was stopped`(_ command: String) throws {
        let server = try serveWithStatistics(reactor, "echo", name, "--allow-tap")
        server.suspend()
        let directory = try Directory()
        let file = directory.path + "/talk"
        let arguments = [command, name] + (command == "record" ? [file] : [])
        let (status, lines) = try run(reactor, arguments + ["--timeout", "100ms"])
        #expect(status == 3 && lines.count == 1, "\(lines)")
        #expect(lines.first?.hasSuffix("(--timeout sets how long to wait)") == true, "\(lines)")
        #expect(!FileManager.default.fileExists(atPath: file))
        server.signal(SIGCONT)
    }

    @Test(arguments: [
        ["--limit", "0"], ["--limit", "257KiB"], ["--count", "0"], ["--grep", ""], ["--direction", "both"],
        ["--sizes", "--limit", "3"], ["--user", "no such user"],
    ])
    func `refuses what makes no sense`(arguments: [String]) throws {
        // ArgumentParser exits while it still holds its own objects, which LeakSanitizer would count.
        let tool = try Tool(
            reactor, ["tap", name] + arguments, errors: .dropped, assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(tool.waitForExit() == 2)
    }
}

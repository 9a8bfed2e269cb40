// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

/// The fields of the JSON that the tests check.
private struct Report: Decodable {
    struct Server: Decodable {
        struct Latency: Decodable {
            let p50: Double
            let worst: Double
        }
        let roundCount: Int
        let messageCount: Int
        let replyCount: Int
        let wrongCount: Int
        let lostCount: Int
        let messagesPerSecond: Double
        let latencySeconds: Latency?
    }
    struct Spread: Decodable {
        let median: Double
        let lowest: Double
        let highest: Double
    }
    struct Ratios: Decodable { let messagesPerSecond: Spread? }

    let connectionCount: Int
    let messageByteCount: Int
    let isChecked: Bool
    let servers: [Server]
    let ratios: Ratios?
}

@Suite(.timeLimit(.minutes(5)))
struct BenchTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    private func bench(_ arguments: String...) throws -> (status: Int32?, report: Report) {
        let tool = try Tool(reactor, ["bench", "--json", "--warm-up", "0"] + arguments, errors: .dropped)
        tool.endInput()
        let status = tool.waitForExit()
        return (status, try JSONDecoder().decode(Report.self, from: Data(tool.output)))
    }

    @Test(arguments: ["length", "newline", "varint", "content-length", "descriptors", "raw"])
    func `every message is sent once and its reply is counted, with any framing`(_ framing: String) throws {
        let server = try serve(reactor, "echo", name, "--framing", framing)
        let (status, report) = try bench(
            name, "--framing", framing, "--count", "500", "--connections", "7", "--in-flight", "3")
        #expect(status == 0)
        #expect(report.connectionCount == 7)
        #expect(report.messageByteCount == 64)
        #expect(report.isChecked)
        let numbers = try #require(report.servers.first)
        #expect([numbers.messageCount, numbers.replyCount] == [500, 500])
        #expect([numbers.wrongCount, numbers.lostCount] == [0, 0])
        #expect(numbers.messagesPerSecond > 0)
        let latency = try #require(numbers.latencySeconds)
        #expect(latency.p50 > 0 && latency.worst >= latency.p50)
        server.terminate()
        #expect(server.waitForExit() == 0)
        if framing != "raw" {
            #expect(server.text.contains("stopped after 7 connections (7 "), "\(server.text)")
            #expect(server.text.contains(", 500 messages, 32.0 kB"), "\(server.text)")
        }
    }

    @Test func `the size, the message and the expected reply can be chosen`() throws {
        let server = try serve(reactor, "echo", name)
        let small = try bench(name, "--count", "20", "--size", "0")
        #expect(small.status == 0 && small.report.servers[0].replyCount == 20)
        // More than a socket's buffer, so that the queue has to wait for room.
        let large = try bench(name, "--count", "20", "--size", "1MiB", "--in-flight", "5")
        #expect(large.status == 0 && large.report.servers[0].replyCount == 20)
        let right = try bench(name, "--count", "20", "--message", "hi", "--expect", "hi")
        #expect(right.status == 0 && right.report.isChecked)
        let wrong = try bench(name, "--count", "20", "--message", "hi", "--expect", "ho")
        #expect(wrong.status == 1 && wrong.report.servers[0].wrongCount == 20)
        let unchecked = try bench(name, "--count", "20", "--message", "hi")
        #expect(unchecked.status == 0 && !unchecked.report.isChecked)
        _ = server
    }

    @Test func `replies in another order, or of another connection, are wrong`() throws {
        let server = try PipeServer(
            listeningOn: PipeAddress(parsing: name), reactor: reactor, delegate: Answering(swapsPairs: true))
        let (status, report) = try bench(name, "--count", "10", "--connections", "1", "--in-flight", "2")
        #expect(status == 1)
        #expect(report.servers[0].wrongCount == 10)
        let unchecked = try bench(name, "--count", "10", "--connections", "1", "--in-flight", "2", "--no-check")
        #expect(unchecked.status == 0)
        server.stop()
    }

    @Test func `with a rate, messages are sent although none is answered`() throws {
        let server = try PipeServer(
            listeningOn: PipeAddress(parsing: name), reactor: reactor, delegate: Answering(withholding: 50))
        let open = try bench(name, "--count", "50", "--connections", "1", "--rate", "10000")
        #expect(open.status == 0)
        #expect(open.report.servers[0].replyCount == 50)
        let closed = try run(
            reactor, "bench", name, "--warm-up", "0", "--duration", "1h", "--connections", "1", "--timeout", "2s")
        #expect(closed.status == 3)
        #expect(closed.lines == ["pipectl: no reply for 2.0 s (--timeout) (1 reply missing)"])
        server.stop()
    }

    @Test func `two servers are measured in turns`() throws {
        let other = freshName()
        let servers = try [serve(reactor, "echo", name), serve(reactor, "echo", other)]
        let (status, report) = try bench(name, "--compare", other, "--count", "60", "--rounds", "3")
        #expect(status == 0)
        #expect(report.servers.map(\.roundCount) == [3, 3])
        #expect(report.servers.map(\.replyCount) == [60, 60])
        let ratio = try #require(report.ratios?.messagesPerSecond)
        #expect(ratio.lowest <= ratio.median && ratio.median <= ratio.highest)
        let text = try run(reactor, "bench", name, "--compare", other, "--count", "9", "--warm-up", "1ms").lines
        #expect(text.contains { $0.hasPrefix("second : first, medians of 9 rounds") })
        #expect(text.allSatisfy { $0.count <= 80 })
        _ = servers
    }

    @Test func `a signal ends it early, with what was measured`() throws {
        let answering = Answering()
        let server = try PipeServer(
            listeningOn: PipeAddress(parsing: name), reactor: reactor, delegate: answering)
        let tool = try Tool(reactor, ["bench", name, "--duration", "1h", "--warm-up", "0"])
        reactor.run(timeout: deadline) { answering.messageCount > 1000 }
        tool.terminate()
        #expect(tool.waitForExit() == 1)
        #expect(tool.text.contains("pipectl: interrupted"))
        #expect(tool.lines.contains { $0.hasPrefix("  latency   p50 ") })
        server.stop()
    }

    @Test func `a server that goes, or is not there, is a failure`() throws {
        let missing = try run(reactor, "bench", name)
        #expect(missing.status == 1)
        #expect(missing.lines.first?.contains("no server at \(name)") == true)
        let server = try PipeServer(
            listeningOn: PipeAddress(parsing: name), reactor: reactor, delegate: Answering(endingAfter: 10))
        let gone = try run(reactor, "bench", name, "--warm-up", "0", "--connections", "1", "--count", "100")
        #expect(gone.status == 1)
        #expect(gone.lines.last?.hasPrefix("pipectl: connection 1 was ") == true)
        server.stop()
    }

    @Test(arguments: [
        ["--rate", "1", "--in-flight", "2"], ["--size", "1", "--message", "x"], ["--size", "17MiB"],
        ["--count", "1", "--duration", "1s"], ["--duration", "0"], ["--no-check", "--expect", "x"],
        ["--framing", "raw", "--message", "x"], ["--count", "2", "--rounds", "3"], ["--connections", "0"],
    ])
    func `a load that makes no sense is refused`(_ options: [String]) throws {
        let tool = try Tool(
            reactor, ["bench", name] + options, assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(tool.waitForExit() == 2, "\(options): \(tool.text)")
    }

    /// Answers with the same message, or badly.
    private final class Answering: PipeServerDelegate {
        private(set) var messageCount = 0
        private let swapsPairs: Bool
        private let withheldCount: Int
        private let lastCount: Int
        private var held: [[UInt8]] = []

        /// - Parameters:
        ///   - swapsPairs: whether of two messages, the second one is answered first.
        ///   - withheldCount: how many messages have to come before the first answer.
        ///   - lastCount: after how many messages the connection is closed.
        init(swapsPairs: Bool = false, withholding withheldCount: Int = 0, endingAfter lastCount: Int = .max) {
            self.swapsPairs = swapsPairs
            self.withheldCount = swapsPairs ? 2 : withheldCount
            self.lastCount = lastCount
        }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            messageCount += 1
            held.append([UInt8](copying: message))
            guard held.count >= withheldCount else { return }
            for message in swapsPairs ? held.reversed() : held {
                #expect(throws: Never.self) { try connection.send(message) }
            }
            held = []
            if messageCount >= lastCount { connection.close() }
        }
    }
}

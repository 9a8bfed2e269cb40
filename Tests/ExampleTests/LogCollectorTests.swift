// SPDX-License-Identifier: Apache-2.0
#if Service
import Foundation
import NamedPipes
import Testing

struct LogCollectorTests {
    private let stage: Stage

    init() throws { stage = try Stage() }

    private var reactor: Reactor { stage.reactor }
    private var address: PipeAddress { stage.address }
    private var file: String { "\(address).log" }

    private func start(_ limits: String..., file: String? = nil) throws -> Example {
        try stage.start("LogCollector", [file ?? self.file] + limits)
    }

    private func visitor() throws -> Visitor {
        try Visitor(to: address, on: reactor, framing: DelimiterFraming.newline)
    }

    /// Sends lines and waits until all of them were taken.
    private func send(_ lines: [String], by visitor: Visitor) throws {
        for line in lines { try visitor.send(line) }
        visitor.connection?.finishSending()
        #expect(try visitor.reasonOfEnd() == .closedByPeer)
    }

    private func content(of path: String) throws -> String {
        // By handle, because Foundation's reading of whole files leaks a buffer for each empty one.
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    }

    private func lines(_ suffix: String = "") throws -> [String] {
        let text = try content(of: file + suffix)
        #expect(text.hasSuffix("\n"))
        return text.split(separator: "\n").map(String.init)
    }

    /// The text of a line: behind the time, the user and the process.
    private func message(_ line: String) -> String {
        line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).last.map(String.init) ?? ""
    }

    @Test func `the lines of all clients come into the file, whole and in order, with user and process`() throws {
        let collector = try start()
        let visitors = [try visitor(), try visitor()]
        let sent = (0..<500).map { "line \($0) of one" }
        for line in sent {
            for visitor in visitors { try visitor.send(line) }
        }
        try send([], by: visitors[0])
        try send([], by: visitors[1])
        collector.signal(SIGTERM)
        #expect(try collector.exitStatus() == 0)
        let lines = try lines()
        try #require(lines.count == 1000)
        let middle = lines.filter { message($0) == "line 250 of one" }
        #expect(middle.count == 2)
        #expect(message(lines[0]) == "line 0 of one")
        #expect(message(lines[999]) == "line 499 of one")
        let head = try #require(lines.first?.split(separator: " "))
        #expect(head[0].hasSuffix("Z"))
        #expect(head[1] == "uid=\(getuid())")
        #expect(head[2] == "pid=\(getpid())")
        #expect(!FileManager.default.fileExists(atPath: "\(address)"))
    }

    @Test func `what had arrived before the signal is in the file, and in the numbers of the log`() throws {
        let collector = try start()
        let visitor = try visitor()
        for number in 0..<2000 { try visitor.send("number \(number)") }
        // Everything has left; only the collector knows whether it was read.
        #expect(reactor.run(timeout: .seconds(30)) { visitor.connection?.pendingByteCount == 0 })
        try waitForDisk("number 0")
        collector.signal(SIGTERM)
        #expect(try collector.exitStatus() == 0)
        let messages = try lines().map(message)
        #expect(messages == (0..<2000).map { "number \($0)" })
        let metrics = try #require(collector.lines.last { $0.hasSuffix(" metrics") })
        #expect(metrics.contains("log_collector_lines=2000.0"))
        #expect(metrics.contains("pipe_server_messages_received=2000.0"))
        #expect(metrics.contains("pipe_server_connections_accepted=1.0"))
    }

    /// From then on, the collector has accepted the connection.
    private func waitForDisk(_ text: String) throws {
        let ticks = reactor.schedule(after: .zero, repeating: .milliseconds(1)) {}
        defer { ticks.cancel() }
        let isThere = reactor.run(timeout: .seconds(30)) {
            (try? content(of: file))?.contains(text) == true
        }
        try #require(isThere)
    }

    @Test func `a full file is kept under a number, and the oldest goes`() throws {
        let collector = try start("3000", "2")
        try send((0..<400).map { "line \($0)" }, by: try visitor())
        collector.signal(SIGTERM)
        #expect(try collector.exitStatus() == 0)
        let files = try [".2", ".1", ""].map { try lines($0) }
        for lines in files {
            let byteCount = lines.reduce(0) { $0 + $1.utf8.count + 1 }
            #expect(byteCount <= 3000)
        }
        let all = files.joined().map(message)
        let last = (400 - all.count..<400).map { "line \($0)" }
        #expect(all == last)
        #expect(!FileManager.default.fileExists(atPath: file + ".3"))
    }

    @Test func `a line that is larger than a file has one of its own`() throws {
        let collector = try start("100", "3")
        let long = String(repeating: "x", count: 500)
        try send(["short", long, "short again"], by: try visitor())
        collector.signal(SIGTERM)
        #expect(try collector.exitStatus() == 0)
        let messages = try [".2", ".1", ""].map { try lines($0).map(message) }
        #expect(messages == [["short"], [long], ["short again"]])
    }

    @Test func `a line that a crash has torn is cut off`() throws {
        try Data("whole\ntor".utf8).write(to: URL(filePath: file))
        let collector = try start()
        try send(["next"], by: try visitor())
        collector.signal(SIGTERM)
        #expect(try collector.exitStatus() == 0)
        #expect(try lines().map(message) == ["whole", "next"])
    }

    @Test func `a file that cannot be written to ends it, and its clients see that`() throws {
        let collector = try start(file: "/dev/full")
        let visitor = try visitor()
        try visitor.send("lost")
        _ = try visitor.reasonOfEnd()
        #expect(try collector.exitStatus() == 1)
    }

    @Test func `wrong arguments are reported`() throws {
        #expect(try Example("LogCollector", "\(address)", file, "many", on: reactor).exitStatus() == 2)
    }
}
#endif

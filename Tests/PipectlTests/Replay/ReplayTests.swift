// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import NamedPipes
import PipeTestSupport
import Testing

@testable import pipectl

/// `pipectl replay`, with recordings that the tests make.
@Suite(.timeLimit(.minutes(5)))
struct ReplayTests: StagedSuite {
    let stage: Stage
    private let directory: Directory

    init() throws {
        stage = try Stage()
        directory = try Directory()
    }

    private var file: String { "\(directory.path)/talk.pcapng" }

    /// Writes a recording of lines: `1>text` from the client of connection 1, `1<text` to it.
    private func write(_ lines: [String], milliseconds: Int64 = 1, cutting cut: Int? = nil) throws {
        var encoder = RecordingEncoder(of: "somewhere", at: 0)
        for (index, line) in lines.enumerated() {
            let bytes = Array(line.utf8.dropFirst(2))
            encoder.append(
                .message(
                    CapturedMessage(
                        nanoseconds: Int64(index) * milliseconds * 1_000_000, connection: String(line.prefix(1)),
                        direction: line.dropFirst().first == ">" ? .toServer : .toClient, userID: nil, processID: nil,
                        sequence: UInt64(index), byteCount: bytes.count + (index == cut ? 5 : 0), bytes: bytes)))
        }
        encoder.finish(at: 0)
        try Data(encoder.take()).write(to: URL(filePath: file))
    }

    private func replay(_ arguments: String..., errors: Tool.Errors = .merged) throws -> (
        status: Int32?, lines: [String]
    ) {
        try run(reactor, ["replay", file, name, "--timeout", "600s", "--settle", "600s"] + arguments, errors: errors)
    }

    @Test(arguments: ["max", "1", "1000"]) func `an echo answers as recorded, at any pace`(_ speed: String) throws {
        let server = try serve(reactor, "echo", name)
        try write(["1>a", "1<a", "2>b", "1>c", "2<b", "1<c", "3>", "3<"])
        let (status, lines) = try replay("--speed", speed)
        #expect(status == 0, "\(lines)")
        #expect(lines.last?.hasPrefix("replayed 4 messages on 3 connections in ") == true)
        #expect(lines.last?.hasSuffix(" s: 4 answers, all as recorded") == true)
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("stopped after 3 connections (3 closed by the peer), 4 messages"))
    }

    @Test func `answers that differ, are missing or were not recorded are told apart`() throws {
        let server = try serve(reactor, "echo", name)
        try write(["1>same", "1<same", "1>one\u{1B}", "1<two\u{1B}", "2>x", "3>y", "3<y"])
        let (status, lines) = try replay("--speed", "max")
        #expect(status == 1)
        #expect(
            lines.contains(
                "connection 1: answer 2 differs at byte 0: recorded \"two\\u{1B}\" (4 B), came \"one\\u{1B}\" (4 B)"),
            "\(lines)")
        #expect(lines.contains("connection 2: an answer that was not recorded: \"x\" (1 B)"))
        #expect(
            lines.last == "pipectl: the answers are not those that were recorded (2 different)", "\(lines)")
        server.terminate()
    }

    @Test func `an answer that does not come is waited for as long as --timeout says`() throws {
        let server = try serve(reactor, "listen", name)
        try write(["1>x", "1<x", "1>never sent"])
        let (status, lines) = try replay("--speed", "max", "--timeout", "50ms")
        #expect(status == 3)
        #expect(lines.contains { $0.hasPrefix("connection 1: no answer for 50") }, "\(lines)")
        #expect(lines.contains("connection 1: 1 recorded answer did not come"))
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("x\n") && !server.text.contains("never sent"))
    }

    @Test func `a server that goes on talking is listened to for as long as --timeout says`() throws {
        let path = "\(directory.path)/name"
        let listener = try RawListener(at: .path(path))
        var peers: [RawPeer] = []
        let ticker = reactor.schedule(after: .milliseconds(2), repeating: .milliseconds(2)) {
            while let peer = listener.accept() { peers.append(peer) }
            for peer in peers { peer.write("tick\n".utf8) }
        }
        defer { ticker.cancel() }
        try write(["1>x"])
        let (status, lines) = try run(
            reactor, "replay", file, path, "--framing", "newline", "--speed", "max", "--ignore-answers", "--settle",
            "600s", "--timeout", "50ms")
        #expect(status == 0, "\(lines)")
    }

    @Test func `a server that does not close is listened to until it is silent`() throws {
        let path = "\(directory.path)/name"
        let listener = try RawListener(at: .path(path))
        var peers: [RawPeer] = []
        let ticker = reactor.schedule(after: .milliseconds(2), repeating: .milliseconds(2)) {
            while let peer = listener.accept() { peers.append(peer) }
            // One more message, once the end of the recording is known.
            for peer in peers where !peer.isAtEnd {
                peer.readAll()
                if peer.isAtEnd { peer.writeAll("more\n".utf8) }
            }
        }
        defer { ticker.cancel() }
        try write(["1>x"])
        let (status, lines) = try run(
            reactor, "replay", file, path, "--framing", "newline", "--speed", "max", "--ignore-answers", "--settle",
            "100ms", "--timeout", "600s")
        #expect(status == 0, "\(lines)")
    }

    @Test func `without answers to compare, none is waited for`() throws {
        let server = try serve(reactor, "listen", name)
        try write(["1>x", "1<never", "1>y"])
        let (status, lines) = try replay("--speed", "max", "--ignore-answers")
        #expect(status == 0 && lines.last?.hasSuffix("s: 0 answers") == true, "\(lines)")
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("x\ny\n"))
    }

    @Test func `prints the first differences only, and counts them all`() throws {
        let server = try serve(reactor, "echo", name)
        try write((0..<20).flatMap { ["1>\($0)", "1<no"] })
        let (status, lines) = try replay("--speed", "max", "--differences", "3", "--json", errors: .dropped)
        #expect(status == 1)
        let line = try #require(lines.first)
        let report = try JSONDecoder().decode([String: JSONNumberOrText].self, from: Data(line.utf8))
        #expect(
            report["differences"] == .number(20) && report["sent"] == .number(20) && report["missing"] == .number(0))
        let text = try replay("--speed", "max", "--differences", "3")
        #expect(text.lines.count { $0.hasPrefix("connection 1: answer ") } == 3)
        _ = server
    }

    @Test func `a message that was cut is not replayed, nor is an answer compared with a part of it`() throws {
        let server = try serve(reactor, "echo", name)
        try write(["1>x", "1<x"], cutting: 1)
        let (status, lines) = try replay("--speed", "max")
        #expect(status == 1)
        #expect(
            lines == [
                "pipectl: 1 message cut in the recording, which cannot be replayed: the first is message 1, of which 1 of "
                    + "6 bytes are there"
            ])
        #expect(try replay("--speed", "max", "--ignore-answers").status == 0)
        try write(["1>x", "1<x"], cutting: 0)
        #expect(try replay("--speed", "max", "--ignore-answers").status == 1)
        _ = server
    }

    @Test func `a connection that ended before another began is replayed before it`() throws {
        let server = try serve(reactor, "listen", name)
        try write((1...9).map { "\($0)>\($0)" })
        #expect(try replay("--speed", "max").status == 0)
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.lines.filter { $0.count == 1 } == (1...9).map(String.init))
    }

    @Test func `a server that is not there is a failure for each connection`() throws {
        try write(["1>x", "2>y"])
        let (status, lines) = try replay("--speed", "max")
        #expect(status == 1 && lines.contains { $0.hasPrefix("connection 2: no server at ") }, "\(lines)")
    }

    @Test func `in a raw stream, sizes of pieces do not matter`() throws {
        let server = try serve(reactor, "echo", name, "--framing", "raw")
        try write(["1>abc", "1<a", "1<bc", "1>def", "1<def"])
        #expect(try replay("--speed", "max", "--framing", "raw").status == 0)
        try write(["1>abc", "1<a", "1<bX"])
        let (status, lines) = try replay("--speed", "max", "--framing", "raw")
        #expect(status == 1 && lines.contains { $0.contains("the answers differ at byte 2") }, "\(lines)")
        server.terminate()
    }

    @Test func `what goes through a recording comes back from it`() throws {
        let path = "\(directory.path)/name"
        let original = try ForeignEcho(at: path)
        let recorder = try Tool(
            reactor, ["record", path, file, "--between", "--timeout", "600s", "--framing", "newline", "--count", "200"])
        recorder.waitFor("recording ")
        let client = try Tool(reactor, ["connect", path, "--timeout", "600s", "--framing", "newline"])
        client.write((1...100).map { "line \($0)\n" }.joined())
        let ticker = reactor.schedule(after: .milliseconds(2), repeating: .milliseconds(2)) { original.turn() }
        #expect(recorder.waitForExit() == 0, "\(recorder.text)")
        ticker.cancel()
        let server = try serve(reactor, "echo", name, "--framing", "newline")
        let (status, lines) = try replay("--speed", "max", "--framing", "newline")
        #expect(status == 0 && lines.last?.hasSuffix(": 100 answers, all as recorded") == true, "\(lines)")
        _ = (client, server)
    }

    @Test func `a file that is no recording, or cut, is named`() throws {
        try Data("hello".utf8).write(to: URL(filePath: file))
        #expect(try replay().lines == ["pipectl: cannot read \(file): it is not a pcapng file"])
        let server = try serve(reactor, "echo", name)
        try write(["1>x", "1<x", "1>y", "1<y"])
        let whole = try Data(contentsOf: URL(filePath: file))
        // Without the counts at the end, and half of the last packet.
        try whole.dropLast(130).write(to: URL(filePath: file))
        let (status, lines) = try replay("--speed", "max")
        // The last answer is not in the file.
        #expect(status == 1 && lines.contains("connection 1: an answer that was not recorded: \"y\" (1 B)"), "\(lines)")
        #expect(lines.first?.hasPrefix("pipectl: the file is cut: its last ") == true, "\(lines)")
        _ = server
    }
}

/// A value of the report.
private enum JSONNumberOrText: Decodable, Equatable {
    case number(Double)
    case text(String)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .text(try container.decode(String.self))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

@testable import pipectl

/// A recording as Wireshark's command line sees it, with the dissector that is installed.
@Suite(.timeLimit(.minutes(5)))
struct WiresharkTests: StagedSuite {
    let stage: Stage
    private let directory: Directory

    init() throws {
        stage = try Stage()
        directory = try Directory()
        let isRequired = unsafe getenv("REQUIRE_FOREIGN_PEERS") != nil
        guard isRequired || isInstalled("tshark") else { try Test.cancel("needs tshark") }
        var encoder = RecordingEncoder(of: "/run/app/pipe.sock", at: 1_795_000_000_000_000_000)
        for (sequence, (direction, bytes)) in Self.messages.enumerated() {
            if sequence == 2 { encoder.append(.lost(4)) }
            encoder.append(
                .message(
                    CapturedMessage(
                        nanoseconds: 1_795_000_000_123_456_789 + Int64(sequence), connection: "2/17.1",
                        direction: direction, userID: 1000, processID: 4711, sequence: UInt64(sequence),
                        byteCount: bytes.count, bytes: bytes)))
        }
        encoder.finish(at: 1_795_000_001_000_000_000)
        try Data(encoder.take()).write(to: URL(filePath: file))
    }

    private static let messages: [(CapturedMessage.Direction, [UInt8])] = [
        (.toServer, Array("{\"jsonrpc\":\"2.0\",\"method\":\"add\",\"id\":1}".utf8)),
        (.toClient, Array("{\"jsonrpc\":\"2.0\",\"result\":3,\"id\":1}".utf8)),
        (.toServer, [0, 27, 255]), (.toClient, []), (.toClient, letters(300_000)),
    ]

    private var file: String { "\(directory.path)/talk.pcapng" }

    private static var dissector: String {
        URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/pipectl/Packaging/wireshark/namedpipes.lua").standardized.path
    }

    /// The lines that tshark prints; what it says besides is an error.
    private func tshark(_ arguments: String...) throws -> [String] {
        let tool = try Tool(
            reactor, command: ["tshark", "-n", "-X", "lua_script:\(Self.dissector)", "-r", file] + arguments,
            errors: .merged, assignment: "LC_ALL=C.UTF-8")
        #expect(tool.waitForExit() == 0, "\(tool.text)")
        return tool.lines.filter { !$0.contains("This could be dangerous") }
    }

    @Test func `it finds the messages, with clients, directions and exact times`() throws {
        let lines = try tshark(
            "-T", "fields", "-E", "separator=,", "-e", "pipe.connection", "-e", "pipe.direction", "-e", "pipe.uid",
            "-e",
            "pipe.pid", "-e", "pipe.sequence", "-e", "pipe.size", "-e", "pipe.offset", "-e", "frame.time_epoch")
        let start = "2/17.1,"
        #expect(
            lines == [
                start + "0,1000,4711,0,39,0,1795000000.123456789", start + "1,1000,4711,1,35,0,1795000000.123456790",
                start + "0,1000,4711,2,3,0,1795000000.123456791", start + "1,1000,4711,3,0,0,1795000000.123456792",
                start + "1,1000,4711,4,300000,0,1795000000.123456793",
                start + "1,1000,4711,4,300000,262098,1795000000.123456793",
            ])
    }

    @Test func `messages in JSON are dissected, and everything can be filtered`() throws {
        #expect(try tshark("-Y", "json.value.string == \"add\"", "-T", "fields", "-e", "pipe.sequence") == ["0"])
        let filter = "pipe.direction == 1 && pipe.connection == \"2/17.1\" && pipe.size > 100"
        #expect(try tshark("-Y", filter, "-T", "fields", "-e", "pipe.sequence") == ["4", "4"])
        #expect(try tshark("-Y", "_ws.malformed || _ws.expert", "-T", "fields", "-e", "frame.number") == [])
    }

    @Test func `the list of packets reads as a conversation`() throws {
        let lines = try tshark("-T", "fields", "-e", "_ws.col.Source", "-e", "_ws.col.Info", "-c", "3")
        #expect(
            lines == [
                "client 2/17.1\t2/17.1 > 39 bytes  {\"jsonrpc\":\"2.0\",\"method\":\"add\",\"id\":1}",
                "server\t2/17.1 < 35 bytes  {\"jsonrpc\":\"2.0\",\"result\":3,\"id\":1}",
                "client 2/17.1\t2/17.1 > 3 bytes  ...",
            ])
    }

    @Test func `its own reader agrees about interface and losses`() throws {
        let tool = try Tool(reactor, command: ["capinfos", file], errors: .merged, assignment: "LC_ALL=C.UTF-8")
        #expect(tool.waitForExit() == 0)
        for text in ["Name = /run/app/pipe.sock", "Capture application: pipectl ", "Number of packets:   6"] {
            #expect(tool.text.contains(text), "\(tool.text)")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ListenTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    private struct Record: Decodable {
        struct Peer: Decodable {
            let uid: UInt32
            let gid: UInt32
            let pid: Int32
        }

        let time: String
        let connection: String
        let peer: Peer
        let size: Int
        let message: String?
        let base64: Data?
    }

    @Test func `control sequences are escaped`() throws {
        let listener = try serve(reactor, "listen", name)
        let sender = try Tool(reactor, ["send", name])
        sender.write([UInt8]("\u{1B}[31mred\u{7} \u{9B}2J\t\u{202E}é\n".utf8) + [0xFF, 0x5C, 0x0A])
        sender.endInput()
        #expect(sender.waitForExit() == 0)
        listener.waitFor("\\xFF")
        #expect(listener.lines.dropFirst() == [#"\u{1B}[31mred\u{7} \u{9B}2J\t\u{202E}é"#, #"\xFF\\"#])
    }

    @Test func `raw prints the bytes that came`() throws {
        let listener = try serve(reactor, "listen", name, "--raw")
        #expect(try run(reactor, "send", name, "a\u{1B}b\tc").status == 0)
        listener.waitFor("a\u{1B}b\tc\n")
    }

    @Test func `JSON shows time, connection, peer, size and message`() throws {
        let listener = try serve(reactor, "listen", name, "--json")
        let sender = try Tool(reactor, ["send", name])
        sender.write([UInt8]("say \"hi\"\u{9B}\u{1B}\n".utf8) + [0xFF, 0x00, 0x0A])
        sender.endInput()
        #expect(sender.waitForExit() == 0)
        listener.waitFor("\"size\":2")
        let objects = Array(listener.lines.dropFirst())
        #expect(objects.count == 2)
        #expect(!listener.text.unicodeScalars.contains { $0.value == 0x9B || $0.value == 0x1B })
        let records = try objects.map { try JSONDecoder().decode(Record.self, from: Data($0.utf8)) }
        let text = try #require(records.first)
        #expect(text.message == "say \"hi\"\u{9B}\u{1B}")
        #expect(text.size == 11)
        #expect(text.peer.uid == geteuid())
        #expect(text.peer.gid == getegid())
        #expect(text.peer.pid > 0)
        #expect(!text.connection.isEmpty)
        #expect(
            try Date(text.time, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true)) <= .now)
        #expect(records.last?.message == nil)
        #expect(records.last?.base64 == Data([0xFF, 0x00]))
    }

    @Test func `only messages go to standard output`() throws {
        let listener = try serve(reactor, "listen", name, errors: .dropped)
        #expect(try run(reactor, "send", name, "--wait", "only this").status == 0)
        listener.waitFor("only this")
        listener.terminate()
        #expect(listener.waitForExit() == 0)
        #expect(listener.text == "only this\n")
    }

    @Test func `lines of a raw socket are messages of the newline framing`() throws {
        let server = try serve(reactor, "echo", name, "--framing", "newline")
        let peer = RawPeer()
        let client = PipeClient(
            address: try PipeAddress(parsing: name), configuration: .init(framing: RawFraming()), reactor: reactor,
            delegate: peer)
        client.connect()
        #expect(reactor.run(timeout: deadline) { client.connection != nil })
        for piece in ["fi", "rst\nsec", "ond\n"] { try client.connection?.send(piece) }
        #expect(reactor.run(timeout: deadline) { peer.bytes.count >= 13 })
        #expect(peer.bytes == Array("first\nsecond\n".utf8))
        client.disconnect()
        _ = server
    }

    private final class RawPeer: PipeClientDelegate {
        var bytes: [UInt8] = []

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            for index in message.indices { bytes.append(message[index]) }
        }
    }
}

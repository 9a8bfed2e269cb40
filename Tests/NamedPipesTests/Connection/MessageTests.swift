// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Messages` {
    @Test func `arrive whole, in order, in both directions`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            pair.atServer.whenReceived = { connection, bytes in _ = try? connection.send(bytes.reversed()) }
            let sent = (0..<1000).map { pattern($0 % 300, seed: $0) }
            for message in sent { try pair.client.send(message) }
            #expect(loop.run { pair.atClient.messageCount == 1000 })
            #expect(pair.atServer.messages == sent)
            #expect(pair.atClient.messages == sent.map { $0.reversed() })
        }
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 262_143, 262_144, 262_145, 1 << 20, (16 << 20) - 1, 16 << 20])
    func `of every size up to the limit pass both ways`(byteCount: Int) throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            pair.atServer.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            let message = pattern(byteCount)
            try pair.client.send(message)
            try pair.client.send("behind")
            #expect(loop.run { pair.atClient.messageCount == 2 })
            #expect(pair.atClient.messages.first == message)
            #expect(pair.atClient.texts.last == "behind")
        }
    }

    @Test func `above the limit are refused by the sender, and no part of them leaves`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let limit = 16 << 20
            let tooLarge = [UInt8](repeating: 7, count: limit + 1)
            #expect(throws: PipeError.messageTooLarge(byteCount: limit + 1, limit: limit)) {
                try pair.client.send(tooLarge)
            }
            #expect(throws: PipeError.messageTooLarge(byteCount: limit + 1, limit: limit)) {
                try pair.accepted.send(tooLarge)
            }
            #expect(try pair.connection.pendingByteCount == 0)
            try pair.client.send("next")
            #expect(loop.run { pair.atServer.texts == ["next"] })
        }
    }

    @Test func `31 above the limit are refused by the receiver before the body`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.writeAll(frame("good") + [0x01, 0x00, 0x00, 0x01] + frame("never looked at"))
            #expect(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == ["good"])
            #expect(raw.recorder.reasons == [.framing(.messageTooLarge(byteCount: (16 << 20) + 1, limit: 16 << 20))])
        }
    }

    @Test(arguments: [0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE] as [UInt32])
    func `31 with an impossible length end the connection at once`(length: UInt32) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.writeAll((0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) })
            #expect(loop.run { raw.recorder.isEverythingClosed })
            guard case .framing = try #require(raw.recorder.reasons.first) else {
                Issue.record("\(raw.recorder.reasons)")
                return
            }
        }
    }

    @Test func `34 come out the same wherever the stream is cut in two`() throws {
        let stream = frame("one") + frame("") + frame("three")
        try withLoop { loop in
            let (_, recorder) = try loop.server()
            for cut in 0...stream.count {
                let peer = try RawPeer(connectingTo: loop.address)
                let before = recorder.messageCount
                peer.writeAll(stream[..<cut])
                // The first part is read before the second has arrived.
                try #require(loop.run { recorder.openCount == cut + 1 })
                loop.settle()
                peer.writeAll(stream[cut...])
                try #require(loop.run { recorder.messageCount == before + 3 })
                #expect(recorder.texts.suffix(3) == ["one", "", "three"])
            }
        }
    }

    @Test func `34 come out the same byte by byte`() throws {
        let stream = frame("one") + frame("") + frame("three")
        try withLoop { loop in
            let raw = try RawClient(loop)
            for byte in stream {
                raw.peer.writeAll([byte])
                loop.settle()
            }
            #expect(loop.run { raw.recorder.messageCount == 3 })
            #expect(raw.recorder.texts == ["one", "", "three"])
        }
    }

    @Test func `that come together, a thousand in one write, are all delivered`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let sent = (0..<1000).map { "message \($0)" }
            raw.peer.writeAll(sent.flatMap { frame($0) })
            #expect(loop.run { raw.recorder.messageCount == 1000 })
            #expect(raw.recorder.texts == sent)
        }
    }

    @Test(arguments: [17 << 10, 100_000, 262_140, 262_141, 300_000])
    func `that are small arrive behind a large one of the same write`(byteCount: Int) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let large = pattern(byteCount)
            let stream = frame("first") + frame(large) + (0..<50).flatMap { frame("small \($0)") }
            write(stream, to: raw.peer, inCutsFrom: Seeded(1), of: 150_000...200_000, loop)
            #expect(loop.run { raw.recorder.messageCount == 52 })
            #expect(raw.recorder.messages[1] == large)
            #expect(raw.recorder.texts[2...] == (0..<50).map { "small \($0)" }[...])
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `34 come out the same where large and small ones are cut anywhere`(seed: UInt64) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            var random = Seeded(seed)
            let sizes = (0..<40).map { _ in
                [0, 3, 200, 16_000, 17_000, 70_000, 260_000, 400_000].randomElement(using: &random) ?? 0
            }
            let sent = sizes.enumerated().map { pattern($0.element, seed: $0.offset) }
            write(sent.flatMap { frame($0) }, to: raw.peer, inCutsFrom: random, of: 1...180_000, loop)
            #expect(loop.run { raw.recorder.messageCount == 40 })
            #expect(raw.recorder.messages == sent)
        }
    }

    /// Writes piece after piece; where the kernel is full, the loop reads first.
    private func write(
        _ stream: [UInt8], to peer: RawPeer, inCutsFrom seeded: Seeded, of sizes: ClosedRange<Int>, _ loop: Loop
    ) {
        var random = seeded
        var position = 0
        _ = loop.run {
            let end = min(stream.count, position + Int.random(in: sizes, using: &random))
            let count = peer.write(stream[position..<end])
            if count > 0 { position += count }
            return position == stream.count
        }
    }
}

@Suite struct `Framings on a connection` {
    static let framings: [(String, any MessageFraming & Sendable)] = [
        ("newline", DelimiterFraming([0x0A], maximumMessageByteCount: 4 << 20)), ("nul", DelimiterFraming.nul),
        ("content-length", ContentLengthFraming()), ("varint", VarintFraming()), ("length", LengthPrefixFraming()),
        ("length:2:le", LengthPrefixFraming(width: .two, byteOrder: .littleEndian)),
    ]

    @Test(arguments: 0..<framings.count) func `carry messages both ways`(index: Int) throws {
        let framing = Self.framings[index].1
        try withLoop { loop in
            let pair = try Pair(loop, server: .init(framing: framing), client: .init(framing: framing))
            pair.atServer.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            let sent = [0, 1, 2, 127, 128, 1000, 65_535].map { [UInt8](repeating: 0x41, count: $0) }
            for message in sent { try pair.client.send(message) }
            #expect(loop.run { pair.atClient.messageCount == sent.count })
            #expect(pair.atServer.messages == sent)
            #expect(pair.atClient.messages == sent)
        }
    }

    @Test(arguments: [262_143, 262_144, 262_145, 1_000_000, 3_000_000])
    func `deliver a line larger than the receive buffer whole, and the bytes behind it`(byteCount: Int) throws {
        let framing = DelimiterFraming([0x0A], maximumMessageByteCount: 4 << 20)
        try withLoop { loop in
            let pair = try Pair(loop, server: .init(framing: framing), client: .init(framing: framing))
            let line = [UInt8](repeating: 0x41, count: byteCount)
            try pair.client.send(line)
            try pair.client.send("next")
            try pair.client.send(line)
            #expect(loop.run { pair.atServer.messageCount == 3 })
            #expect(pair.atServer.messages == [line, Array("next".utf8), line])
        }
    }

    @Test func `refuse an unending line at the limit`() throws {
        try withLoop { loop in
            let framing = DelimiterFraming([0x0A], maximumMessageByteCount: 100_000)
            let raw = try RawClient(loop, .init(framing: framing))
            raw.peer.writeAll([UInt8](repeating: 0x41, count: 100_001))
            #expect(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.framing(.messageTooLarge(byteCount: 100_001, limit: 100_000))])
        }
    }

    @Test func `deliver raw bytes in order, in whatever pieces`() throws {
        try withLoop { loop in
            let pair = try Pair(loop, server: .init(framing: RawFraming()), client: .init(framing: RawFraming()))
            let stream = pattern(700_000)
            try pair.client.send(stream)
            #expect(loop.run { pair.atServer.byteCount == stream.count })
            #expect(Array(pair.atServer.messages.joined()) == stream)
            #expect(pair.atServer.messages.allSatisfy { $0.count <= 65_536 && !$0.isEmpty })
        }
    }

    @Test func `refuse a message that they cannot carry, and leave no trace of it`() throws {
        let framing = DelimiterFraming.newline
        try withLoop { loop in
            let pair = try Pair(loop, server: .init(framing: framing), client: .init(framing: framing))
            #expect(throws: PipeError.framing(.containsDelimiter(offset: 1))) { try pair.client.send("a\nb") }
            #expect(try pair.connection.pendingByteCount == 0)
            try pair.client.send("ab")
            #expect(loop.run { pair.atServer.texts == ["ab"] })
        }
    }

    @Test func `35 report garbage, typed, at the first impossible byte`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, .init(framing: ContentLengthFraming()))
            raw.peer.writeAll(Array("Content-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\n\r\n".utf8))
            #expect(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == ["hi"])
            #expect(raw.recorder.reasons == [.framing(.malformedFrame(offset: 3, byte: 0x20))])
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}"])
    func `35 do not take HTTP and TLS for messages of the default framing`(greeting: String) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.writeAll(Array(greeting.utf8))
            #expect(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.messageCount == 0)
            guard case .framing(.messageTooLarge(_, 16 << 20, let header?)) = try #require(raw.recorder.reasons.first)
            else {
                Issue.record("\(raw.recorder.reasons)")
                return
            }
            #expect(header.kind == (greeting.hasPrefix("GET") ? .http : .tls))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Large messages` {
    /// Sizes around those of a message that is sent in place, and of one read.
    static let sizes =
        [16_383, 16_384, 16_385, 65_536, 208 << 10, 1 << 20, 7 << 20]
        + [-9, -8, -5, -4, -3, -1, 0, 1, 5].map { 224 << 10 + $0 }

    @Test(arguments: sizes) func `are echoed in place, small ones between them, to a slow reader`(size: Int) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenLent = { connection, message in
                #expect(throws: Never.self) { try connection.send(message) }
            }
            let sent = [10, size, 100, size, size, 0].enumerated().map { pattern($0.element, seed: $0.offset) }
            let stream = sent.flatMap { frame($0) }
            let count = stream.count
            #expect(
                raw.peer.exchange(stream, until: { raw.peer.received.count >= count }, pieces: 1...120_000, loop))
            #expect(raw.peer.received == stream)
            #expect(raw.recorder.messages == sent)
        }
    }

    static let framings: [any MessageFraming] = [
        LengthPrefixFraming(), LengthPrefixFraming(width: .eight, byteOrder: .littleEndian), VarintFraming(),
        DelimiterFraming.newline, DelimiterFraming([0x0D, 0x0A]), ContentLengthFraming(), NetstringFraming(),
        NetstringFraming(givesEnvelope: true), RawFraming(),
    ]

    /// Passed on as they are, kept, in part, from elsewhere; paused now and then; read by a slow peer.
    @Test(arguments: framings.indices, seeds(6))
    func `and small ones, sent back in every way, arrive in order`(index: Int, seed: UInt64) throws {
        let framing = Self.framings[index]
        try withLoop { loop in
            var random = Seeded(seed)
            var configuration = PipeServer.Configuration(framing: framing)
            configuration.connection.messagesPerTurn = [1, 3, 4096].randomElement(using: &random) ?? 1
            configuration.connection.highWaterMark = [50_000, 1 << 20].randomElement(using: &random) ?? 0
            configuration.connection.lowWaterMark = 20_000
            let raw = try RawClient(loop, configuration)
            let answers = Answers(loop, raw.recorder, framing, seed)
            // In runs, because a read that follows a large frame expects another of its size.
            let sizes = (0..<16).flatMap { _ in
                let size = [0, 3, 200, 15_000, 17_000, 40_000, 70_000, 229_370, 300_000].randomElement(using: &random)
                return Array(repeating: size ?? 0, count: .random(in: 1...5, using: &random))
            }
            let pieces = seed.isMultiple(of: 2) ? 1...90_000 : 150_000...300_000
            let sent = sizes.enumerated().map { letters($0.element, seed: $0.offset) }
            // Without boundaries, the number of messages is arbitrary, and the last one may be empty.
            let total = sizes.reduce(0, +)
            let count = framing is RawFraming ? 0 : sizes.count
            let hasAll = { raw.recorder.byteCount == total && raw.recorder.messageCount >= count }
            let isDone = { hasAll() && raw.peer.received.count >= answers.stream.count }
            let stream = try framing.stream(of: sent)
            #expect(raw.peer.exchange(stream, until: isDone, pieces: pieces, seed: seed, loop))
            #expect(try RawFraming().stream(of: raw.recorder.messages) == RawFraming().stream(of: sent))
            #expect(framing is RawFraming || raw.recorder.messages == sent)
            #expect(raw.peer.received == answers.stream)
            #expect(answers.areKeptUnchanged)
        }
    }

    @Test func `leave in order, where a turn has more of them than one gathered write takes`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 8 << 20
            let raw = try RawClient(loop, configuration)
            let sent = (0..<200).map { letters($0.isMultiple(of: 3) ? 10 : 16_384, seed: $0) }
            let connection = try raw.accepted
            for message in sent { try connection.send(PipeMessage(copying: message)) }
            try #require(raw.peer.receive(sent.reduce(0) { $0 + $1.count + 4 }, loop))
            #expect(raw.peer.frames == sent)
        }
    }
}

/// Sends every message back in one way or another, and records what it sent.
private final class Answers {
    private(set) var stream: [UInt8] = []
    private var kept: [(message: PipeMessage, bytes: [UInt8])] = []
    private var random: Seeded
    private let loop: Loop
    private let framing: any MessageFraming

    init(_ loop: Loop, _ recorder: Recorder, _ framing: any MessageFraming, _ seed: UInt64) {
        self.loop = loop
        self.framing = framing
        random = Seeded(seed &+ 1000)
        recorder.whenLent = { [unowned self] connection, message in
            answer(connection, message)
            if Int.random(in: 0..<6, using: &random) == 0 { pause(connection) }
        }
    }

    var areKeptUnchanged: Bool {
        kept.allSatisfy { kept in kept.message.withBytes { Array(lent: $0) } == kept.bytes }
    }

    private func answer(_ connection: PipeConnection, _ message: Span<UInt8>) {
        #expect(throws: Never.self) {
            let sent = try send(message, Array(lent: message), connection)
            stream.append(contentsOf: try framing.stream(of: sent))
        }
    }

    /// - Returns: the bytes that it sent.
    private func send(_ message: Span<UInt8>, _ bytes: [UInt8], _ connection: PipeConnection) throws -> [[UInt8]] {
        switch Int.random(in: 0..<7, using: &random) {
        case 0:
            let kept = connection.keep(message)
            #expect(kept.byteCount == bytes.count)
            self.kept.append((kept, bytes))
            try connection.send(kept)
        case 1:
            try withPassingMemory(bytes) { _ = try connection.send($0) }
        case 2:
            let middle = bytes.count / 3
            try connection.send(message.extracting(first: middle))
            try connection.send(message.extracting(droppingFirst: middle))
            return [Array(bytes[..<middle]), Array(bytes[middle...])]
        case 3 where !kept.isEmpty:
            // A message that has waited.
            let index = Int.random(in: kept.indices, using: &random)
            try connection.send(kept[index].message)
            return [kept[index].bytes]
        default:
            try connection.send(message)
        }
        return [bytes]
    }

    private func pause(_ connection: PipeConnection) {
        connection.pauseReceiving()
        loop.reactor.schedule(after: .milliseconds(Int.random(in: 0...2, using: &random))) {
            connection.resumeReceiving()
        }
    }
}

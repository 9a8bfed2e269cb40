// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import PipeFraming
import Testing

@Suite struct `Garbage is a typed error or a message, never a crash` {
    static let subjects = Subject.all(limit: 1000) + [Subject("raw", RawFraming(maximumMessageByteCount: 1000))]

    @Test(arguments: subjects, [11, 12] as [UInt64])
    func `35: random bytes get one verdict however they are cut`(subject: Subject, seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<repetitions(100) {
            let stream = random.bytes(Int.random(in: 0...200, using: &random))
            expectOneVerdict(subject, on: stream, random.cuts(9, in: stream), seed: seed)
        }
    }

    @Test(arguments: subjects, [21, 22] as [UInt64])
    func `35: damaged streams get one verdict however they are cut`(subject: Subject, seed: UInt64) throws {
        var random = Seeded(seed)
        let messages: [[UInt8]] = ["", "0", "0123456789", "{}"].map { Array($0) }
        let sound = try subject.framing.encoded(messages)
        for _ in 0..<repetitions(200) {
            var stream = sound
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                stream[Int.random(in: stream.indices, using: &random)] = random.bytes(1)[0]
            }
            expectOneVerdict(subject, on: stream, random.cuts(9, in: stream), seed: seed)
        }
    }

    private func expectOneVerdict(_ subject: Subject, on stream: [UInt8], _ cuts: [Int], seed: UInt64) {
        var whole = subject.framing.outcome(of: stream)
        var inPieces = subject.framing.outcome(of: stream, cutAt: cuts)
        if subject.framing is RawFraming {
            whole.messages = [Array(whole.messages.joined())]
            inPieces.messages = [Array(inPieces.messages.joined())]
        }
        #expect(inPieces == whole, "seed \(seed), cuts \(cuts), stream \(stream)")
    }

    @Test(arguments: [
        (Array("GET / HTTP/1.1\r\n"), tooLarge(0x4745_5420, foreign("GET ")), 4),
        ([0x16, 0x03, 0x01, 0x02, 0x00], tooLarge(0x1603_0102, foreign([0x16, 0x03, 0x01, 0x02])), 4),
        (Array("{\"id\":1}"), tooLarge(0x7B22_6964, foreign("{\"id")), 4),
        ([0x80, 0x00, 0x00, 0x01], FramingError.reservedLength(0x8000_0001), 4),
    ])
    func `35: other protocols end at the length's last byte`(stream: [UInt8], error: FramingError, at: Int) {
        expectFailure(of: LengthPrefixFraming(), on: stream, error, at: at)
    }

    @Test(arguments: [
        (Array("GET / HTTP/1.1\r\n"), FramingError.malformedFrame(offset: 3, byte: 0x20), 4),
        ([0x16, 0x03, 0x01, 0x02, 0x00], FramingError.malformedFrame(offset: 0, byte: 0x16), 1),
        (Array("{\"id\":1}"), FramingError.malformedFrame(offset: 0, byte: 0x7B), 1),
        (Array("\r\n"), FramingError.missingContentLength, 2),
    ])
    func `35: other protocols end at the first byte no header has`(stream: [UInt8], error: FramingError, at: Int) {
        expectFailure(of: ContentLengthFraming(), on: stream, error, at: at)
    }

    private func expectFailure(of framing: some MessageFraming, on stream: [UInt8], _ error: FramingError, at: Int) {
        #expect(framing.outcome(of: Array(stream.prefix(at - 1))).error == nil)
        #expect(framing.outcome(of: Array(stream.prefix(at))).error == error)
        #expect(framing.outcome(of: stream, cutAt: Array(0..<stream.count)).error == error)
    }
}

private func tooLarge(_ byteCount: Int, _ header: ForeignHeader?) -> FramingError {
    .messageTooLarge(byteCount: byteCount, limit: 16 << 20, header: header)
}

// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import PipeFraming
import Testing

@Suite struct `What is encoded comes back` {
    static let sizes = [0, 1, 2, 127, 128, 255, 256, 16_383, 16_384, 65_535, 65_536, 65_537, 1 << 20]

    @Test(arguments: Subject.binary(limit: 1 << 20))
    func `binary messages of every size up to the maximum`(subject: Subject) throws {
        var random = Seeded(5)
        // Larger ones bring a sanitizer nothing new, and took it a tenth of the suite's time.
        let limit = min(isSanitized ? 65_537 : .max, subject.framing.maximumMessageByteCount)
        let block = random.bytes(4099)
        let messages = Self.sizes.filter { $0 <= limit }.map { size in
            Array(repeatElement(block, count: size / block.count + 1).joined().prefix(size))
        }
        let stream = try subject.framing.encoded(messages)
        #expect(subject.framing.outcome(of: stream).messages == messages)
        let reads = Array(stride(from: 0, to: stream.count, by: 10_007))
        #expect(subject.framing.outcome(of: stream, cutAt: reads).messages == messages)
    }

    @Test(arguments: Subject.delimiters(limit: 1 << 20))
    func `text of every size up to the maximum`(subject: Subject) throws {
        let messages = Self.sizes.map { [UInt8](repeating: 0x30, count: $0) }
        let stream = try subject.framing.encoded(messages)
        #expect(subject.framing.outcome(of: stream).messages == messages)
    }

    @Test(arguments: Subject.all(limit: 200))
    func `text in any script`(subject: Subject) throws {
        let messages = ["", "h", "Grüße", "日本語", "🧵🪡", "e\u{301}"].map { Array($0) }
        #expect(subject.framing.outcome(of: try subject.framing.encoded(messages)).messages == messages)
    }

    @Test(arguments: Subject.all(limit: 200))
    func `a message above the maximum is refused and nothing of it is appended`(subject: Subject) throws {
        var output = FrameBuffer()
        try subject.framing.encode([0x31].span, into: &output)
        let before = Array(copying: output.span)
        #expect(throws: FramingError.messageTooLarge(byteCount: 201, limit: 200)) {
            try subject.framing.encoded([UInt8](repeating: 0x30, count: 201))
        }
        #expect(failure(of: subject.framing, into: &output) == .messageTooLarge(byteCount: 300, limit: 200))
        #expect(Array(copying: output.span) == before)
    }

    private func failure(of framing: any MessageFraming, into output: inout FrameBuffer) -> FramingError? {
        do throws(FramingError) {
            try framing.encode([UInt8](repeating: 0x30, count: 300).span, into: &output)
            return nil
        } catch {
            return error
        }
    }
}

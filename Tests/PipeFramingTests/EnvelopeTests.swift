// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeFraming
import PipeTestSupport
import Testing

/// The bytes that a framing puts around a message which is sent from its own memory.
@Suite struct `An envelope` {
    static let sizes = [0, 1, 2, 127, 128, 255, 256, 16_383, 16_384, 65_535, 65_536, 1 << 20]
    static let subjects = Subject.all(limit: 1 << 20) + [Subject("raw", RawFraming())]

    @Test(arguments: subjects.filter { !($0.framing is NetstringFraming) })
    func `around its message is the frame, byte for byte`(subject: Subject) throws {
        for message in Self.sizes.map({ letters($0, seed: $0) }) {
            guard let frame = try? subject.framing.encoded(message) else { continue }
            var output = FrameBuffer()
            output.append(contentsOf: Array("before").span)
            let found = try subject.framing.encodeEnvelope(of: message.span, into: &output)
            let envelope = try #require(found)
            let appended = Array(copying: output.span)
            #expect(appended.starts(with: Array("before")))
            #expect(appended.count == 6 + envelope.prefixByteCount + envelope.suffixByteCount)
            let prefix = appended.dropFirst(6).prefix(envelope.prefixByteCount)
            let suffix = appended.suffix(envelope.suffixByteCount)
            #expect(prefix + message + suffix == frame)
        }
    }

    @Test func `may have both sides`() throws {
        let framing = NetstringFraming(givesEnvelope: true)
        var output = FrameBuffer()
        let envelope = try framing.encodeEnvelope(of: Array("hello").span, into: &output)
        #expect(envelope == FrameEnvelope(prefixByteCount: 2, suffixByteCount: 1))
        #expect(Array(copying: output.span) == Array("5:,"))
    }

    @Test func `is missing where a framing does not define one, and nothing is appended`() throws {
        var output = FrameBuffer()
        #expect(try NetstringFraming().encodeEnvelope(of: Array("hello").span, into: &output) == nil)
        #expect(output.byteCount == 0)
    }

    @Test(arguments: Subject.all(limit: 200).filter { $0.testDescription != "netstring" })
    func `of a message above the maximum is refused like its frame, and nothing is appended`(subject: Subject) throws {
        var output = FrameBuffer()
        output.append(9)
        let limit = subject.framing.maximumMessageByteCount
        for size in [limit + 1, limit + 100] {
            let message = [UInt8](repeating: 0x30, count: size)
            let failure = failure { () throws(FramingError) in
                _ = try subject.framing.encodeEnvelope(of: message.span, into: &output)
            }
            #expect(failure == .messageTooLarge(byteCount: size, limit: limit))
            #expect(Array(copying: output.span) == [9])
        }
    }

    @Test(arguments: Subject.delimiters(limit: 200))
    func `of a message with a delimiter is refused like its frame, and nothing is appended`(subject: Subject) throws {
        let delimiter = try #require(subject.framing as? DelimiterFraming).delimiter
        var messages = [delimiter, letters(50).map { $0 & 0xFE | 0x40 } + delimiter + [0x41]]
        // The last bytes become a delimiter only together with the one behind them, where that is possible.
        messages.append(Array(delimiter.dropLast()))
        for message in messages {
            var output = FrameBuffer()
            let expected = failure { () throws(FramingError) in try subject.framing.encode(message.span, into: &output)
            }
            output.removeAll()
            let found = failure { () throws(FramingError) in
                _ = try subject.framing.encodeEnvelope(of: message.span, into: &output)
            }
            #expect(found == expected)
            #expect((output.byteCount == 0) == (expected != nil))
        }
    }

    @Test func `of 2 GiB is the escape and eight bytes of length`() throws {
        let byteCount = 0x8000_0000
        // Nothing reads the pages, so they need not exist.
        let memory = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        try #require(unsafe memory != MAP_FAILED)
        defer { unsafe munmap(memory, byteCount) }
        let message = unsafe Span<UInt8>(
            _unsafeBytes: UnsafeRawBufferPointer(start: memory, count: byteCount))
        var output = FrameBuffer()
        let framing = LengthPrefixFraming(maximumMessageByteCount: byteCount)
        let envelope = try framing.encodeEnvelope(of: message, into: &output)
        #expect(envelope == FrameEnvelope(prefixByteCount: 12))
        #expect(Array(copying: output.span) == [255, 255, 255, 255, 0, 0, 0, 0, 128, 0, 0, 0])
        let shorter = message.extracting(droppingLast: 1)
        let plain = try framing.encodeEnvelope(of: shorter, into: &output)
        #expect(plain == FrameEnvelope(prefixByteCount: 4))
        #expect(Array(copying: output.span).suffix(4) == [127, 255, 255, 255])
        let small = LengthPrefixFraming(maximumMessageByteCount: byteCount - 1)
        let refusal = failure { () throws(FramingError) in _ = try small.encodeEnvelope(of: message, into: &output) }
        #expect(refusal == .messageTooLarge(byteCount: byteCount, limit: byteCount - 1))
        #expect(output.byteCount == 16)
    }

    @Test func `of a negative size is a programmer error`() async {
        await #expect(processExitsWith: .failure) { _ = FrameEnvelope(prefixByteCount: -1) }
        await #expect(processExitsWith: .failure) { _ = FrameEnvelope(suffixByteCount: -1) }
    }

    private func failure(of body: () throws(FramingError) -> Void) -> FramingError? {
        do throws(FramingError) {
            try body()
            return nil
        } catch {
            return error
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import PipeTestSupport
import Testing

@Suite struct `A scan of frames` {
    private func walk(
        _ bytes: [UInt8], _ framing: some MessageFraming = LengthPrefixFraming(), hint: Int = 0,
        stopAfter limit: Int = .max
    ) throws -> (walk: FrameWalk, messages: [[UInt8]]) {
        var messages: [[UInt8]] = []
        let walk = try framing.scanFrames(in: bytes.span, scannedByteCount: hint) { message in
            messages.append(Array(copying: message))
            return messages.count < limit
        }
        return (walk, messages)
    }

    static let two: [UInt8] = [0, 0, 0, 1, 7, 0, 0, 0, 2, 8, 9]

    @Test func `of no bytes finds nothing`() throws {
        #expect(try walk([]).walk == FrameWalk(consumedByteCount: 0, frameByteCount: nil, scannedByteCount: 0))
    }

    @Test func `ends at the end of the last frame`() throws {
        let (walk, messages) = try walk(Self.two)
        #expect(walk == FrameWalk(consumedByteCount: 11, frameByteCount: nil, scannedByteCount: 0))
        #expect(messages == [[7], [8, 9]])
    }

    @Test func `ends at an unfinished frame and tells its size`() throws {
        let (walk, messages) = try walk(Self.two + [0, 0, 0, 5, 1])
        #expect(walk == FrameWalk(consumedByteCount: 11, frameByteCount: 9, scannedByteCount: 0))
        #expect(messages == [[7], [8, 9]])
    }

    @Test func `gives the hint for the unfinished frame, counted from its start`() throws {
        let (walk, _) = try walk(Array("ab\ncde"), DelimiterFraming.newline)
        #expect(walk == FrameWalk(consumedByteCount: 3, frameByteCount: nil, scannedByteCount: 3))
    }

    @Test func `uses the hint for the first frame only`() throws {
        let (walk, messages) = try walk(Array("a\nb\n\n"), DelimiterFraming.newline, hint: 2)
        #expect(walk.consumedByteCount == 5)
        #expect(messages == [Array("a\nb"), []])
    }

    @Test func `stops right behind the frame whose delivery says so`() throws {
        let (first, messages) = try walk(Self.two, stopAfter: 1)
        #expect(first == FrameWalk(stoppedAfter: 5))
        #expect(first.isStopped && messages == [[7]])
        #expect(try walk(Self.two, stopAfter: 2).walk == FrameWalk(stoppedAfter: 11))
    }

    @Test func `36: delivers what stands before a fatal frame and nothing behind it`() {
        let fatal = Self.two + [0x80, 0, 0, 0] + Self.two
        let outcome = LengthPrefixFraming().outcome(of: fatal)
        let error = FramingError.reservedLength(0x8000_0000, header: foreign([0x80, 0, 0, 0]))
        #expect(outcome == Outcome(messages: [[7], [8, 9]], error: error))
    }

    @Test func `32: a frame announced at the maximum costs what arrived of it`() throws {
        var unread = FrameBuffer()
        unread.append(contentsOf: [1, 0, 0, 0, 7].span)
        let walk = try LengthPrefixFraming().scanFrames(in: unread.span, scannedByteCount: 0) { _ in true }
        #expect(walk.frameByteCount == 4 + 16 << 20)
        #expect(unread.capacity <= 256)
    }

    @Test func `says why in one line`() {
        let errors: [FramingError] = [
            .messageTooLarge(byteCount: 70_000, limit: 65_536), .reservedLength(0x8000_0001), .overlongVarint,
            .malformedFrame(offset: 3, byte: 0x20), .headerTooLarge(limit: 4096), .missingContentLength,
            .conflictingContentLength(2, 3), .unsupportedCharset, .containsDelimiter(offset: 1),
            .tooManyDescriptors(count: 254, limit: 253),
        ]
        #expect(
            errors.map(\.description) == [
                "message of 70000 bytes exceeds the limit of 65536 "
                    + "(maximumMessageByteCount of the framing raises it, at both ends)",
                "length 0x80000001 is reserved",
                "varint length does not end within 10 bytes and 63 bits",
                "byte 0x20 cannot stand at offset 3 of a frame",
                "header exceeds the limit of 4096 bytes", "header has no Content-Length",
                "header has two Content-Lengths, 2 and 3", "header names a charset that is not UTF-8",
                "message contains the delimiter at offset 1",
                "254 descriptors with a message exceed the limit of 253",
            ])
    }
}

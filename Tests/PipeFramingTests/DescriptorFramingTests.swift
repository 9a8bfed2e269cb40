// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import PipeTestSupport
import Testing

@Suite struct `An envelope with a length and a number of descriptors` {
    private let framing = DescriptorFraming(maximumMessageByteCount: 300)

    private func encoded(_ text: String, _ count: Int) throws(FramingError) -> [UInt8] {
        var output = FrameBuffer()
        try framing.encode([UInt8](text).span, descriptorCount: count, into: &output)
        return [UInt8](copying: output.span)
    }

    @Test func `is four bytes and one`() throws {
        #expect(try encoded("hi", 0) == [0, 0, 0, 2, 0] + Array("hi".utf8))
        #expect(try encoded("take", 2) == [0, 0, 0, 4, 2] + Array("take".utf8))
        #expect(try framing.encoded([UInt8]("hi")) == encoded("hi", 0))
    }

    @Test(arguments: [0, 1, 253]) func `gives the number back`(count: Int) throws {
        let frame = try encoded("x", count)
        #expect(try framing.scan(frame) == .frame(message: 5..<6, byteCount: 6))
        #expect(framing.descriptorCount(ofFrame: frame.span) == count)
    }

    @Test func `refuses more descriptors than one call passes, in both directions`() {
        #expect(throws: FramingError.tooManyDescriptors(count: 254, limit: 253)) { try encoded("x", 254) }
        #expect(throws: FramingError.tooManyDescriptors(count: 254, limit: 253)) {
            try framing.scan([0, 0, 0, 1, 254])
        }
    }

    @Test func `31: refuses a message above the maximum at the fourth byte`() throws {
        #expect(throws: FramingError.messageTooLarge(byteCount: 301, limit: 300)) { try framing.scan([0, 0, 1, 45]) }
        let unknown = FrameScan.incomplete(frameByteCount: nil, scannedByteCount: 0)
        #expect(try framing.scan([0, 0, 1, 44]) == unknown)
        #expect(try framing.scan([0, 0, 1, 44, 0]) == .incomplete(frameByteCount: 305, scannedByteCount: 0))
    }

    @Test func `reserves the top bit`() {
        let header: [UInt8] = [0x80, 0, 0, 0]
        #expect(throws: FramingError.reservedLength(0x8000_0000, header: foreign(header))) { try framing.scan(header) }
    }
}

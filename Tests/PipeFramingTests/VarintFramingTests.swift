// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import PipeTestSupport
import Testing

@Suite struct `A varint length` {
    @Test(
        arguments: [
            (0, [0x00]), (1, [0x01]), (127, [0x7F]), (128, [0x80, 0x01]), (150, [0x96, 0x01]), (300, [0xAC, 0x02]),
            (16_383, [0xFF, 0x7F]), (16_384, [0x80, 0x80, 0x01]),
        ] as [(Int, [UInt8])])
    func `is written as protobuf's documentation says`(length: Int, header: [UInt8]) throws {
        let message = [UInt8](repeating: 0x30, count: length)
        #expect(try VarintFraming().encoded(message) == header + message)
        let end = header.count + length
        #expect(try VarintFraming().scan(header + message) == .frame(message: header.count..<end, byteCount: end))
    }

    @Test func `31: the maximum is a frame, one byte more is refused`() throws {
        let framing = VarintFraming(maximumMessageByteCount: 300)
        #expect(try framing.scan([0xAC, 0x02]) == .incomplete(frameByteCount: 302, scannedByteCount: 0))
        #expect(throws: FramingError.messageTooLarge(byteCount: 301, limit: 300)) { try framing.scan([0xAD, 0x02]) }
    }

    @Test func `31: a length is refused at the byte that takes it above the maximum`() throws {
        let framing = VarintFraming(maximumMessageByteCount: 300)
        #expect(try framing.scan([0xFF]) == .incomplete(frameByteCount: nil, scannedByteCount: 0))
        #expect(throws: FramingError.messageTooLarge(byteCount: 16_383, limit: 300)) { try framing.scan([0xFF, 0xFF]) }
        let largest: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
        #expect(throws: FramingError.messageTooLarge(byteCount: .max, limit: .max / 2)) {
            try VarintFraming(maximumMessageByteCount: .max).scan(largest)
        }
    }

    @Test(arguments: 1...9)
    func `longer forms are read as protobuf's parsers read them`(padding: Int) throws {
        let header = [0x82] + [UInt8](repeating: 0x80, count: padding - 1) + [0x00]
        let end = header.count + 2
        #expect(try VarintFraming().scan(header + Array("hi")) == .frame(message: header.count..<end, byteCount: end))
        let unknown = FrameScan.incomplete(frameByteCount: nil, scannedByteCount: 0)
        #expect(try VarintFraming().scan(header.dropLast()) == unknown)
    }

    @Test(arguments: [0x01, 0x02, 0x7F, 0x80, 0xFF] as [UInt8])
    func `35: of more than ten bytes is refused at the tenth`(tenth: UInt8) {
        let header = [UInt8](repeating: 0x80, count: 9) + [tenth]
        #expect(throws: FramingError.overlongVarint) { try VarintFraming().scan(header) }
    }
}

// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import PipeTestSupport
import Testing

@Suite struct `A length prefix` {
    @Test func `the default form is four bytes, big-endian, not counting themselves`() throws {
        let framing = LengthPrefixFraming()
        #expect(framing.width == .four && framing.byteOrder == .bigEndian)
        #expect(framing.maximumMessageByteCount == 16 << 20)
        #expect(try framing.encoded(Array("hi"), []) == [0, 0, 0, 2, 0x68, 0x69, 0, 0, 0, 0])
    }

    @Test(arguments: [
        (LengthPrefixFraming.Width.one, LengthPrefixFraming.ByteOrder.bigEndian, [2] as [UInt8]),
        (.one, .littleEndian, [2]),
        (.two, .bigEndian, [0, 2]),
        (.two, .littleEndian, [2, 0]),
        (.four, .littleEndian, [2, 0, 0, 0]),
        (.eight, .bigEndian, [0, 0, 0, 0, 0, 0, 0, 2]),
        (.eight, .littleEndian, [2, 0, 0, 0, 0, 0, 0, 0]),
    ])
    func `each width and order on the wire`(
        width: LengthPrefixFraming.Width, order: LengthPrefixFraming.ByteOrder, header: [UInt8]
    ) throws {
        let framing = LengthPrefixFraming(width: width, byteOrder: order)
        #expect(try framing.encoded(Array("hi")) == header + Array("hi"))
        let end = header.count + 2
        #expect(try framing.scan(header + Array("hi")) == .frame(message: header.count..<end, byteCount: end))
    }

    @Test func `31: lengths of 0, 1 and the maximum are frames`() throws {
        let framing = LengthPrefixFraming(maximumMessageByteCount: 3)
        #expect(try framing.scan([0, 0, 0, 0]) == .frame(message: 4..<4, byteCount: 4))
        #expect(try framing.scan([0, 0, 0, 1, 7]) == .frame(message: 4..<5, byteCount: 5))
        #expect(try framing.scan([0, 0, 0, 3, 7, 8, 9]) == .frame(message: 4..<7, byteCount: 7))
    }

    @Test(
        arguments: [
            (0x0000_0004, FramingError.messageTooLarge(byteCount: 4, limit: 3)),
            (0x7FFF_FFFE, .messageTooLarge(byteCount: 0x7FFF_FFFE, limit: 3)),
            (0x7FFF_FFFF, .messageTooLarge(byteCount: 0x7FFF_FFFF, limit: 3)),
            (0x8000_0000, .reservedLength(0x8000_0000)),
            (0xFFFF_FFFE, .reservedLength(0xFFFF_FFFE)),
            (0xFFFF_FFFF, .reservedLength(0xFFFF_FFFF)),
        ] as [(UInt32, FramingError)])
    func `31: lengths above the maximum are refused with the header alone`(word: UInt32, error: FramingError) {
        let framing = LengthPrefixFraming(maximumMessageByteCount: 3)
        #expect(throws: error) { try framing.scan(bigEndian(word)) }
    }

    @Test func `a maximum of 0 allows the empty message only`() throws {
        let framing = LengthPrefixFraming(maximumMessageByteCount: 0)
        #expect(try framing.scan([0, 0, 0, 0]) == .frame(message: 4..<4, byteCount: 4))
        #expect(throws: FramingError.messageTooLarge(byteCount: 1, limit: 0)) { try framing.scan([0, 0, 0, 1]) }
    }

    @Test func `an unfinished frame tells its size as soon as the length is there`() throws {
        let framing = LengthPrefixFraming()
        let unknown = FrameScan.incomplete(frameByteCount: nil, scannedByteCount: 0)
        for count in 0..<4 { #expect(try framing.scan([UInt8](repeating: 0, count: count)) == unknown) }
        let known = FrameScan.incomplete(frameByteCount: 260, scannedByteCount: 0)
        #expect(try framing.scan([0, 0, 1, 0]) == known)
        #expect(try framing.scan([0, 0, 1, 0] + [UInt8](repeating: 0, count: 255)) == known)
    }

    @Test func `the maximum is lowered to what the width can express`() {
        let limits = LengthPrefixFraming.Width.allCases.map {
            LengthPrefixFraming(width: $0, byteOrder: .littleEndian, maximumMessageByteCount: .max)
                .maximumMessageByteCount
        }
        #expect(limits == [0xFF, 0xFFFF, 0xFFFF_FFFF, .max / 2])
        #expect(LengthPrefixFraming(maximumMessageByteCount: .max).maximumMessageByteCount == .max / 2)
    }

    @Test func `other forms reserve no lengths but those above 63 bits`() throws {
        let little = LengthPrefixFraming(byteOrder: .littleEndian, maximumMessageByteCount: .max)
        let all = FrameScan.incomplete(frameByteCount: 4 + 0xFFFF_FFFF, scannedByteCount: 0)
        #expect(try little.scan(bigEndian(0xFFFF_FFFF)) == all)
        let eight = LengthPrefixFraming(width: .eight)
        #expect(throws: FramingError.messageTooLarge(byteCount: .max, limit: 16 << 20)) {
            try eight.scan(bigEndian(0x7FFF_FFFF) + bigEndian(0xFFFF_FFFF))
        }
        let header = bigEndian(0x8000_0000) + bigEndian(0)
        #expect(throws: FramingError.reservedLength(1 << 63, header: foreign(header))) { try eight.scan(header) }
    }
}

/// Python's `multiprocessing.connection`: `struct.pack("!i", -1)` and `struct.pack("!Q", n)`.
@Suite struct `The escape to eight bytes of length` {
    static let large = LengthPrefixFraming(maximumMessageByteCount: 0x8000_0000)

    @Test func `is reserved where the maximum allows no message that needs it`() {
        let framing = LengthPrefixFraming(maximumMessageByteCount: 0x7FFF_FFFF)
        #expect(throws: FramingError.reservedLength(0xFFFF_FFFF)) { try framing.scan(bigEndian(0xFFFF_FFFF)) }
    }

    @Test func `carries a length of 2 GiB and not a byte above the maximum`() throws {
        let frame = bigEndian(0xFFFF_FFFF) + bigEndian(0) + bigEndian(0x8000_0000)
        let expected = FrameScan.incomplete(frameByteCount: 12 + 0x8000_0000, scannedByteCount: 0)
        #expect(try Self.large.scan(frame) == expected)
        #expect(throws: FramingError.messageTooLarge(byteCount: 0x8000_0001, limit: 0x8000_0000)) {
            try Self.large.scan(bigEndian(0xFFFF_FFFF) + bigEndian(0) + bigEndian(0x8000_0001))
        }
        #expect(throws: FramingError.reservedLength(.max)) {
            try Self.large.scan(bigEndian(0xFFFF_FFFF) + bigEndian(0xFFFF_FFFF) + bigEndian(0xFFFF_FFFF))
        }
    }

    @Test func `waits for all twelve bytes`() throws {
        let unknown = FrameScan.incomplete(frameByteCount: nil, scannedByteCount: 0)
        let header = bigEndian(0xFFFF_FFFF) + bigEndian(0) + bigEndian(2)
        for count in 0..<12 { #expect(try Self.large.scan(Array(header.prefix(count))) == unknown) }
    }

    @Test func `carries a small length too, as in Python`() throws {
        let frame = bigEndian(0xFFFF_FFFF) + bigEndian(0) + bigEndian(2) + Array("hi")
        #expect(try Self.large.scan(frame) == .frame(message: 12..<14, byteCount: 14))
        #expect(Self.large.outcome(of: frame + frame, cutAt: Array(0...28)).messages == [Array("hi"), Array("hi")])
    }

    @Test func `is not written for lengths that do not need it, and does not allow other reserved words`() throws {
        #expect(try Self.large.encoded(Array("hi")) == [0, 0, 0, 2, 0x68, 0x69])
        let known = FrameScan.incomplete(frameByteCount: 4 + 0x7FFF_FFFF, scannedByteCount: 0)
        #expect(try Self.large.scan(bigEndian(0x7FFF_FFFF)) == known)
        #expect(throws: FramingError.reservedLength(0xFFFF_FFFE)) { try Self.large.scan(bigEndian(0xFFFF_FFFE)) }
    }
}

private func bigEndian(_ word: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) }
}

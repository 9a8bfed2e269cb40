// SPDX-License-Identifier: Apache-2.0

// Everything but the common case: other widths and orders, the escape, and refusals. Never inlined, so that the loop
// over ordinary frames stays a handful of instructions.

extension LengthPrefixFraming.Width {
    var byteCount: Int { Int(rawValue) }

    /// The largest number with this many bytes, as far as an `Int` can express it.
    var largestLength: Int {
        self == .eight ? Int.max : Int(truncatingIfNeeded: (UInt64(1) << (8 * UInt64(rawValue))) - 1)
    }
}

extension LengthPrefixFraming {
    private static var escape: UInt32 { 0xFFFF_FFFF }

    /// Whether the maximum allows a message that needs the escape.
    private var allowsEscape: Bool {
        plainLimit >= 0 && maximumMessageByteCount > Int(Int32.max)
    }

    /// A frame of the default form whose first word is above the plain limit.
    @usableFromInline
    @inline(never)
    func nextEscapedFrame(in bytes: Span<UInt8>, word: UInt32) throws(FramingError) -> FrameScan {
        guard word == Self.escape, allowsEscape else {
            try FramingError.refuse(
                length: UInt64(word), byteCount: word <= UInt32(Int32.max) ? Int(word) : nil,
                readFrom: bytes.extracting(first: 4), limit: maximumMessageByteCount)
        }
        return try frame(in: bytes, lengthAt: 4..<12, byteOrder: .bigEndian)
    }

    /// A frame of any form but the default one.
    @usableFromInline
    @inline(never)
    func nextUnusualFrame(in bytes: Span<UInt8>) throws(FramingError) -> FrameScan {
        try frame(in: bytes, lengthAt: 0..<width.byteCount, byteOrder: byteOrder)
    }

    private func frame(
        in bytes: Span<UInt8>, lengthAt field: Range<Int>, byteOrder: ByteOrder
    ) throws(FramingError) -> FrameScan {
        let start = field.upperBound
        guard bytes.count >= start else { return .incomplete(frameByteCount: nil, scannedByteCount: 0) }
        let number = Self.number(in: bytes.extracting(field), byteOrder: byteOrder)
        guard let length = Int(exactly: number), length <= maximumMessageByteCount else {
            try FramingError.refuse(
                length: number, byteCount: Int(exactly: number), readFrom: bytes.extracting(field),
                isBigEndian: byteOrder == .bigEndian, limit: maximumMessageByteCount)
        }
        let end = start + length
        guard bytes.count >= end else { return .incomplete(frameByteCount: end, scannedByteCount: 0) }
        return .frame(message: start..<end, byteCount: end)
    }

    private static func number(in field: Span<UInt8>, byteOrder: ByteOrder) -> UInt64 {
        var number: UInt64 = 0
        for index in field.indices {
            let byte = field[byteOrder == .bigEndian ? index : field.count - 1 - index]
            number = number << 8 | UInt64(byte)
        }
        return number
    }

    /// Continues from the first frame that is not an ordinary one, or from a partial header.
    @usableFromInline
    @inline(never)
    func scanUnusualFrames(
        in bytes: Span<UInt8>, from start: Int, _ deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk {
        try scanOneByOne(in: bytes, from: start, scannedByteCount: 0, deliver)
    }

    @usableFromInline
    @inline(never)
    func encodeUnusual(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        try encodeLength(message.count, into: &output)
        output.append(contentsOf: message)
    }

    func encodeLength(_ length: Int, into output: inout FrameBuffer) throws(FramingError) {
        guard length <= maximumMessageByteCount else {
            try FramingError.refuse(byteCount: length, limit: maximumMessageByteCount)
        }
        if length <= plainLimit {
            output.append(bigEndian: UInt32(truncatingIfNeeded: length))
        } else if plainLimit >= 0 {
            output.append(bigEndian: Self.escape)
            output.append(bigEndian: UInt64(length))
        } else {
            appendLength(length, to: &output)
        }
    }

    private func appendLength(_ length: Int, to output: inout FrameBuffer) {
        let size = width.byteCount
        for index in 0..<size {
            let significance = byteOrder == .bigEndian ? size - 1 - index : index
            output.append(UInt8(truncatingIfNeeded: length >> (8 * significance)))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The reason why bytes are not a frame, or a message cannot become one. Every case carries the actual value and the
/// limit.
///
/// Offsets count from the first byte of the frame, or, when encoding, of the message.
@nonexhaustive
public enum FramingError: Error, Hashable, Sendable {
    /// The message is larger than ``MessageFraming/maximumMessageByteCount``, the `limit`.
    ///
    /// `byteCount` is its size. A framing that learns the size digit by digit, or has to search for the message's end,
    /// refuses as soon as the limit is exceeded: `byteCount` is then how far it had counted, more than `limit`.
    case messageTooLarge(byteCount: Int, limit: Int)

    /// A length that the format reserves, or that no machine can hold: see ``LengthPrefixFraming``.
    case reservedLength(UInt64)

    /// A varint length does not end within its ten bytes, or does not fit into 63 bits: see ``VarintFraming``.
    case overlongVarint

    /// The frame cannot continue with this byte at this offset.
    case malformedFrame(offset: Int, byte: UInt8)

    /// The header fields are longer than `limit` bytes: see ``ContentLengthFraming``.
    case headerTooLarge(limit: Int)

    /// The header fields ended without a `Content-Length`.
    case missingContentLength

    /// Two `Content-Length` fields of one header disagree.
    case conflictingContentLength(Int, Int)

    /// The header names a charset that is not UTF-8: see ``ContentLengthFraming``.
    case unsupportedCharset

    /// The message to encode would end early: followed by the delimiter, it contains a delimiter at `offset`.
    case containsDelimiter(offset: Int)

    /// A frame announces, or would have to announce, more descriptors than `limit`: see ``DescriptorFraming``.
    case tooManyDescriptors(count: Int, limit: Int)
}

extension FramingError: CustomStringConvertible {
    /// One line for a log: `message of 70000 bytes exceeds the limit of 65536`.
    public var description: String {
        switch self {
        case .messageTooLarge(let byteCount, let limit):
            "message of \(byteCount) bytes exceeds the limit of \(limit)"
        case .reservedLength(let length):
            "length 0x\(String(length, radix: 16)) is reserved"
        case .overlongVarint:
            "varint length does not end within 10 bytes and 63 bits"
        case .malformedFrame(let offset, let byte):
            "byte 0x\(String(byte, radix: 16)) cannot stand at offset \(offset) of a frame"
        case .headerTooLarge(let limit):
            "header exceeds the limit of \(limit) bytes"
        case .missingContentLength:
            "header has no Content-Length"
        case .conflictingContentLength(let first, let second):
            "header has two Content-Lengths, \(first) and \(second)"
        case .unsupportedCharset:
            "header names a charset that is not UTF-8"
        case .containsDelimiter(let offset):
            "message contains the delimiter at offset \(offset)"
        case .tooManyDescriptors(let count, let limit):
            "\(count) descriptors with a message exceed the limit of \(limit)"
        }
    }
}

extension FramingError {
    /// Throws ``messageTooLarge(byteCount:limit:)``, outside the callers' hot code.
    @usableFromInline
    @inline(never)
    static func refuse(byteCount: Int, limit: Int) throws(FramingError) -> Never {
        throw .messageTooLarge(byteCount: byteCount, limit: limit)
    }
}

/// Checks a maximum given by the program. Half the address space is equivalent to no limit, and leaves room to add the
/// size of an envelope without overflow.
@usableFromInline
func checkedMaximum(_ byteCount: Int, atMost expressible: Int = .max, atLeast least: Int = 0) -> Int {
    precondition(byteCount >= least, "maximumMessageByteCount is \(byteCount), less than \(least)")
    return min(byteCount, expressible, Int.max / 2)
}

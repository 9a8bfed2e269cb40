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
    /// `header` says what the bytes of the length look like, if they look like something else.
    case messageTooLarge(byteCount: Int, limit: Int, header: ForeignHeader? = nil)

    /// A length that the format reserves, or that no machine can hold: see ``LengthPrefixFraming``. `header` says what
    /// its bytes look like, if they look like something else.
    case reservedLength(UInt64, header: ForeignHeader? = nil)

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

extension FramingError {
    /// What stands where the frame should begin, if its bytes show that; nil if they do not, or if the error is
    /// another one.
    public var foreignHeader: ForeignHeader? {
        switch self {
        case .messageTooLarge(_, _, let header), .reservedLength(_, let header): header
        case .malformedFrame(offset: 0, let byte): ForeignHeader(firstByte: byte)
        default: nil
        }
    }

    /// Whether a message is too large, and nothing indicates that the bytes are something else than its length.
    package var isTooLarge: Bool {
        if case .messageTooLarge(_, _, nil) = self { true } else { false }
    }
}

extension FramingError: CustomStringConvertible {
    /// One line for a log, with the remedy if there is one: `message of 70000 bytes exceeds the limit of 65536
    /// (maximumMessageByteCount of the framing, at both ends)`, `the length 1751477356 is the text "hell" (both ends
    /// need the same framing)`.
    public var description: String { "\(problem)\(remedy.map { " (\($0))" } ?? "")" }

    /// The description without the remedy.
    package var problem: String {
        switch self {
        case .messageTooLarge(let byteCount, _, let header?) where header.kind != .otherByteOrder:
            "the length \(byteCount) is \(header)"
        case .messageTooLarge(let byteCount, let limit, let header):
            "message of \(byteCount) bytes exceeds the limit of \(limit)\(Self.addition(header))"
        case .reservedLength(let length, let header):
            "length 0x\(String(length, radix: 16)) is reserved\(Self.addition(header))"
        case .overlongVarint:
            "varint length does not end within 10 bytes and 63 bits"
        case .malformedFrame(let offset, let byte):
            "byte 0x\(String(byte, radix: 16)) cannot stand at offset \(offset) of a frame"
                + Self.addition(foreignHeader)
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

    private static func addition(_ header: ForeignHeader?) -> String { header.map { ": \($0)" } ?? "" }

    private var remedy: String? {
        guard let header = foreignHeader else { return isTooLarge ? Self.sizeRemedy : nil }
        let same = "both ends need the same framing"
        guard case .messageTooLarge = self, header.kind == .otherByteOrder else { return same }
        return "\(same); or \(Self.sizeRemedy)"
    }

    /// What raises the limit.
    package static var sizeRemedy: String { "maximumMessageByteCount of the framing raises it, at both ends" }
}

extension FramingError {
    /// Throws ``messageTooLarge(byteCount:limit:header:)``, outside the callers' hot code.
    @usableFromInline
    @inline(never)
    static func refuse(byteCount: Int, limit: Int) throws(FramingError) -> Never {
        throw .messageTooLarge(byteCount: byteCount, limit: limit)
    }

    /// Throws ``messageTooLarge(byteCount:limit:header:)`` or, if `number` is none,
    /// ``reservedLength(_:header:)``, for a length that was read.
    ///
    /// - Parameters:
    ///   - number: the length.
    ///   - byteCount: the same as a size; nil if it is reserved.
    ///   - field: its bytes, in the order of the stream.
    ///   - isBigEndian: whether the most significant byte is the first.
    ///   - limit: the largest length.
    @inline(never)
    static func refuse(
        length number: UInt64, byteCount: Int?, readFrom field: Span<UInt8>, isBigEndian: Bool = true, limit: Int
    ) throws(FramingError) -> Never {
        let header = ForeignHeader(length: field, limit: limit, isBigEndian: isBigEndian)
        guard let byteCount else { throw .reservedLength(number, header: header) }
        throw .messageTooLarge(byteCount: byteCount, limit: limit, header: header)
    }
}

/// Checks a maximum given by the program. Half the address space is equivalent to no limit, and leaves room to add the
/// size of an envelope without overflow.
@usableFromInline
func checkedMaximum(_ byteCount: Int, atMost expressible: Int = .max, atLeast least: Int = 0) -> Int {
    precondition(byteCount >= least, "maximumMessageByteCount is \(byteCount), less than \(least)")
    return min(byteCount, expressible, Int.max / 2)
}

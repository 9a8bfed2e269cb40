// SPDX-License-Identifier: Apache-2.0

/// Framings by name, for command lines and configuration files.
///
/// | Text | Framing |
/// |---|---|
/// | `length` | ``LengthPrefixFraming``: four bytes, big-endian |
/// | `length:1`, `length:2`, `length:4`, `length:8` | the same with that many bytes |
/// | `length:4:le`, `length:4:be` | either byte order, for each width |
/// | `newline`, `nul`, `formfeed` | ``DelimiterFraming`` with that byte |
/// | `delimiter:HEX` | ``DelimiterFraming`` with these bytes, two hexadecimal digits each: `delimiter:0d0a` |
/// | `content-length` | ``ContentLengthFraming`` |
/// | `varint` | ``VarintFraming`` |
/// | `descriptors` | ``DescriptorFraming`` |
/// | `raw` | ``RawFraming`` |
public enum NamedFraming {
    /// The texts that ``parse(_:maximumMessageByteCount:)`` accepts, one line of help each; brackets and bars as in
    /// manual pages.
    public static let names = [
        "length[:1|2|4|8[:be|le]]", "newline", "nul", "formfeed", "delimiter:HEX", "content-length", "varint",
        "descriptors", "raw",
    ]

    /// Makes the framing with the name `text`.
    ///
    /// - Parameters:
    ///   - text: a name from the table; lower case.
    ///   - maximumMessageByteCount: the largest message in bytes, or nil for the framing's own default.
    /// - Returns: the framing; nil if the text is none of the names, or the limit is negative or, with `raw`, 0.
    public static func parse(_ text: String, maximumMessageByteCount: Int? = nil) -> (any MessageFraming)? {
        if let limit = maximumMessageByteCount, limit < (text == "raw" ? 1 : 0) { return nil }
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        switch words[0] {
        case "length": return lengthPrefix(words.dropFirst(), maximumMessageByteCount)
        case "delimiter" where words.count == 2:
            return bytes(fromHexadecimal: words[1]).map { delimiter($0, maximumMessageByteCount) }
        default: return words.count == 1 ? simple(words[0], maximumMessageByteCount) : nil
        }
    }

    private static func simple(_ name: Substring, _ limit: Int?) -> (any MessageFraming)? {
        switch name {
        case "newline": delimiter([0x0A], limit)
        case "nul": delimiter([0x00], limit)
        case "formfeed": delimiter([0x0C], limit)
        case "content-length": limit.map { ContentLengthFraming(maximumMessageByteCount: $0) } ?? ContentLengthFraming()
        case "varint": limit.map { VarintFraming(maximumMessageByteCount: $0) } ?? VarintFraming()
        case "descriptors": limit.map { DescriptorFraming(maximumMessageByteCount: $0) } ?? DescriptorFraming()
        case "raw": limit.map { RawFraming(maximumMessageByteCount: $0) } ?? RawFraming()
        default: nil
        }
    }

    private static func delimiter(_ bytes: [UInt8], _ limit: Int?) -> DelimiterFraming {
        limit.map { DelimiterFraming(bytes, maximumMessageByteCount: $0) } ?? DelimiterFraming(bytes)
    }

    private static func lengthPrefix(_ options: ArraySlice<Substring>, _ limit: Int?) -> LengthPrefixFraming? {
        guard let form = lengthForm(Array(options)) else { return nil }
        let limit = limit ?? LengthPrefixFraming.defaultMaximumMessageByteCount
        return LengthPrefixFraming(width: form.width, byteOrder: form.order, maximumMessageByteCount: limit)
    }

    private static func lengthForm(
        _ options: [Substring]
    ) -> (width: LengthPrefixFraming.Width, order: LengthPrefixFraming.ByteOrder)? {
        let widths: [Substring: LengthPrefixFraming.Width] = ["1": .one, "2": .two, "4": .four, "8": .eight]
        let orders: [Substring: LengthPrefixFraming.ByteOrder] = ["be": .bigEndian, "le": .littleEndian]
        guard let first = options.first else { return (.four, .bigEndian) }
        guard options.count <= 2, let width = widths[first] else { return nil }
        guard options.count == 2 else { return (width, .bigEndian) }
        return orders[options[1]].map { (width, $0) }
    }

    /// 1 to 255 bytes of two digits each.
    private static func bytes(fromHexadecimal text: Substring) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == text.utf8.count, digits.count.isMultiple(of: 2), (2...510).contains(digits.count) else {
            return nil
        }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

// SPDX-License-Identifier: Apache-2.0

extension NamedFraming {
    /// The name of a framing, for reports about a server: the shortest text from which
    /// ``parse(_:maximumMessageByteCount:)`` makes the same framing. Limits are not part of it.
    ///
    /// - Parameter framing: any framing.
    /// - Returns: nil for a framing that is not in the table, such as one of your own.
    public static func name(of framing: any MessageFraming) -> String? {
        switch framing {
        case let framing as LengthPrefixFraming: lengthName(framing)
        case let framing as DelimiterFraming: delimiterName(framing)
        case is ContentLengthFraming: "content-length"
        case is VarintFraming: "varint"
        case is DescriptorFraming: "descriptors"
        case is RawFraming: "raw"
        default: nil
        }
    }

    private static func lengthName(_ framing: LengthPrefixFraming) -> String {
        let width = framing.width == .four && framing.byteOrder == .bigEndian ? "" : ":\(framing.width.rawValue)"
        return "length" + width + (framing.byteOrder == .littleEndian ? ":le" : "")
    }

    private static func delimiterName(_ framing: DelimiterFraming) -> String {
        switch framing.delimiter {
        case [0x0A]: "newline"
        case [0x00]: "nul"
        case [0x0C]: "formfeed"
        default: "delimiter:" + framing.delimiter.map(hexadecimalDigits).joined()
        }
    }
}

/// Two digits, lower case.
func hexadecimalDigits(of byte: UInt8) -> String {
    (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
}

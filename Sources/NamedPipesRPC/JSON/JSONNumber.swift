// SPDX-License-Identifier: Apache-2.0

/// A JSON number by its value: `1`, `1.0` and `10e-1` are equal. Of any size and precision, because nothing is
/// computed.
struct JSONNumber: Hashable {
    private let isNegative: Bool
    /// ASCII digits without zeros at either end; none for zero.
    private let digits: [UInt8]
    /// The power of ten by which the digits are multiplied.
    private let exponent: Int

    /// - Parameter text: a checked value. Nil if it is not a number, or its exponent does not fit into 64 bits.
    init?(_ text: JSONText) {
        let bytes = text.slice
        guard let first = bytes.first, first == UInt8(ascii: "-") || Self.isDigit(first) else { return nil }
        let mantissa = bytes.prefix { $0 | 0x20 != UInt8(ascii: "e") }
        let written = String(decoding: bytes[mantissa.endIndex...].dropFirst(), as: UTF8.self)
        guard let writtenExponent = written.isEmpty ? 0 : Int(written) else { return nil }
        let fraction = mantissa.drop { $0 != UInt8(ascii: ".") }.dropFirst()
        let all = mantissa.filter(Self.isDigit)
        let trailing = all.reversed().prefix { $0 == UInt8(ascii: "0") }.count
        let (shifted, isTooLarge) = writtenExponent.addingReportingOverflow(trailing - fraction.count)
        guard !isTooLarge else { return nil }
        digits = Array(all.dropLast(trailing).drop { $0 == UInt8(ascii: "0") })
        exponent = digits.isEmpty ? 0 : shifted
        isNegative = first == UInt8(ascii: "-") && !digits.isEmpty
    }

    /// Its value, if it is a whole number of 64 bits.
    var wholeNumber: Int64? {
        guard (0..<20).contains(exponent) else { return nil }
        let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: exponent)
        return Int64(String(decoding: sign + (digits.isEmpty ? [UInt8(ascii: "0")] : digits) + zeros, as: UTF8.self))
    }

    /// The canonical form: equal numbers have the same text.
    var text: JSONText {
        JSONText(unchecked: (sign + digits + Array("e\(exponent)".utf8))[...])
    }

    private var sign: [UInt8] { isNegative ? [UInt8(ascii: "-")] : [] }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

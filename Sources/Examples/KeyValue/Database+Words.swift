// SPDX-License-Identifier: Apache-2.0
import NamedPipes

// The words of the present command, converted to the types that they stand for.

extension Database {
    /// One word, as text of one line for an answer.
    func text(_ message: Span<UInt8>, _ index: Int) -> String {
        let word = message.extracting(words[index])
        return String(word.indices.map { printable(word[$0]) })
    }

    /// One word in lower case, if it is one.
    func option(_ message: Span<UInt8>, _ index: Int) -> String { text(message, index).lowercased() }

    /// One word as a number.
    func integer(_ message: Span<UInt8>, _ index: Int) throws(CommandError) -> Int {
        try Self.integer(message.extracting(words[index]))
    }

    /// Decimal digits in canonical form: no plus sign, no leading zeros.
    static func integer(_ word: Span<UInt8>) throws(CommandError) -> Int {
        let isNegative = !word.isEmpty && word[0] == UInt8(ascii: "-")
        let digits = word.extracting(droppingFirst: isNegative ? 1 : 0)
        guard (1...19).contains(digits.count), digits[0] != UInt8(ascii: "0") || word.count == 1 else {
            throw .notAnInteger
        }
        var value = 0
        for index in digits.indices {
            let digit = Int(digits[index]) - 0x30
            guard (0..<10).contains(digit) else { throw .notAnInteger }
            // Downwards, because there is one more negative number.
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (difference, isTooLow) = product.subtractingReportingOverflow(digit)
            guard !isTooLarge, !isTooLow else { throw .notAnInteger }
            value = difference
        }
        guard isNegative || value > .min else { throw .notAnInteger }
        return isNegative ? value : -value
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// A command on one line, as a person types it: words between spaces, with quotes and escapes as in redis-cli.
///
/// ```
/// SET greeting "hello,\r\nworld"
/// SET raw "\x00\xff"
/// ```
enum InlineCommand {
    /// The line as an array of bulk strings, so that there is one way to execute commands.
    static func array(of line: Span<UInt8>) throws(ProtocolError) -> [UInt8] {
        let words = try words(of: line)
        var array = Array("*\(words.count)\r\n".utf8)
        for word in words { array += Array("$\(word.count)\r\n".utf8) + word + [0x0D, 0x0A] }
        return array
    }

    static func words(of line: Span<UInt8>) throws(ProtocolError) -> [[UInt8]] {
        var rest = [UInt8](copying: line)[...]
        var words: [[UInt8]] = []
        while true {
            rest = rest.drop(while: isSpace)
            guard !rest.isEmpty else { return words }
            words.append(try takeWord(from: &rest))
        }
    }

    private static func takeWord(from rest: inout ArraySlice<UInt8>) throws(ProtocolError) -> [UInt8] {
        var word: [UInt8] = []
        while let byte = rest.first, !isSpace(byte) {
            rest.removeFirst()
            guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") else {
                word.append(byte)
                continue
            }
            try takeQuoted(from: &rest, until: byte, into: &word)
            // A closing quote ends the word.
            guard rest.first.map(isSpace) ?? true else { throw .unbalancedQuotes }
        }
        return word
    }

    private static func takeQuoted(
        from rest: inout ArraySlice<UInt8>, until quote: UInt8, into word: inout [UInt8]
    ) throws(ProtocolError) {
        while let byte = rest.popFirst() {
            if byte == quote { return }
            guard byte == UInt8(ascii: "\\"), let next = rest.first else {
                word.append(byte)
                continue
            }
            if quote == UInt8(ascii: "'") {
                word.append(next == quote ? next : byte)
                if next == quote { rest.removeFirst() }
            } else {
                rest.removeFirst()
                word.append(escaped(next, &rest))
            }
        }
        throw .unbalancedQuotes
    }

    private static func escaped(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) -> UInt8 {
        switch byte {
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "a"): return 0x07
        case UInt8(ascii: "x"):
            guard rest.count >= 2, let text = String(validating: rest.prefix(2), as: UTF8.self),
                let code = UInt8(text, radix: 16), !text.hasPrefix("+")
            else { return byte }
            rest.removeFirst(2)
            return code
        default: return byte
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

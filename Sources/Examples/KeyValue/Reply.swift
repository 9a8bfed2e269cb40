// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// Redis' replies, one after the other in memory that is reused for the next ones.
struct Reply: ~Copyable {
    /// The protocol's two versions differ in the kinds of replies.
    enum Version: Int {
        case two = 2, three
    }

    /// The version that the client of these replies uses.
    var version = Version.two

    private var bytes = FrameBuffer()

    var isEmpty: Bool { bytes.isEmpty }

    /// The written bytes, as a copy.
    var array: [UInt8] { [UInt8](copying: bytes.span) }

    func send(on connection: PipeConnection) throws(PipeError) { _ = try connection.send(bytes.span) }

    /// Removes what was written. The memory is kept, unless it was unusually large.
    mutating func clear() { bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10) }

    mutating func append(status: StaticString) {
        append(UInt8(ascii: "+"))
        append(status)
        endLine()
    }

    mutating func append(error: String) {
        append(UInt8(ascii: "-"))
        bytes.append(contentsOf: error.utf8.span)
        endLine()
    }

    mutating func append(integer: Int) {
        append(UInt8(ascii: ":"))
        append(decimal: integer)
        endLine()
    }

    mutating func append(string: Span<UInt8>) {
        append(UInt8(ascii: "$"))
        append(decimal: string.count)
        endLine()
        bytes.append(contentsOf: string)
        endLine()
    }

    mutating func append(string: String) { append(string: string.utf8.span) }

    /// The header of an array; that number of replies follows.
    mutating func append(arrayOf count: Int) {
        append(UInt8(ascii: "*"))
        append(decimal: count)
        endLine()
    }

    /// The header of a map of names to values; twice that number of replies follows.
    mutating func append(mapOf count: Int) {
        guard version == .three else { return append(arrayOf: count * 2) }
        append(UInt8(ascii: "%"))
        append(decimal: count)
        endLine()
    }

    /// Null in place of a string.
    mutating func appendNull() { append(version == .three ? "_\r\n" : "$-1\r\n") }

    /// Null in place of an array.
    mutating func appendNullArray() { append(version == .three ? "_\r\n" : "*-1\r\n") }

    private mutating func append(_ byte: UInt8) { bytes.append(byte) }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: unsafe Span(_unsafeElements: $0)) }
    }

    private mutating func endLine() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }

    private mutating func append(decimal number: Int) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        var factor: UInt = 1
        while rest / factor >= 10 { factor *= 10 }
        while factor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / factor))
            rest %= factor
            factor /= 10
        }
    }
}

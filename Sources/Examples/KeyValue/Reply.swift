// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// Redis' replies (RESP2), behind each other in memory that is used again for the next one.
struct Reply: ~Copyable {
    private var bytes = FrameBuffer()

    var isEmpty: Bool { bytes.isEmpty }

    func send(on connection: PipeConnection) throws(PipeError) { _ = try connection.send(bytes.span) }

    /// Forgets what was written. The memory stays, unless it was for something unusually large.
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

    /// The head of an array; so many replies follow.
    mutating func append(arrayOf count: Int) {
        append(UInt8(ascii: "*"))
        append(decimal: count)
        endLine()
    }

    /// Nothing, where a string could have been.
    mutating func appendNull() { append("$-1\r\n") }

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

// SPDX-License-Identifier: Apache-2.0

extension JSONText {
    /// Writes a string, with quotes and escapes.
    init(quoting string: String) {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        bytes.append(escapedForJSON: string.utf8)
        bytes.append(UInt8(ascii: "\""))
        slice = bytes[...]
    }
}

extension [UInt8] {
    /// Appends UTF-8 as a part of a JSON string: with escapes where JSON requires them (RFC 8259, section 7).
    mutating func append(escapedForJSON text: some Sequence<UInt8>) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case ..<0x20:
                self += (byte < 0x10 ? "\\u000" : "\\u001").utf8
                append(hexadecimalDigits[Int(byte & 0xF)])
            default: append(byte)
            }
        }
    }
}

private let hexadecimalDigits = Array("0123456789abcdef".utf8)

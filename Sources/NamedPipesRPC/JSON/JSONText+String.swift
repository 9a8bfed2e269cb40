// SPDX-License-Identifier: Apache-2.0

extension JSONText {
    /// The string, if this is one. Lone surrogates in it become U+FFFD.
    var string: String? {
        guard slice.first == UInt8(ascii: "\"") else { return nil }
        guard slice.contains(UInt8(ascii: "\\")) else {
            return String(decoding: slice.dropFirst().dropLast(), as: UTF8.self)
        }
        return try? JSONCoding().decode(String.self, from: self)
    }

    var isNull: Bool { slice.first == UInt8(ascii: "n") }
}

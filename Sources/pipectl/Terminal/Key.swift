// SPDX-License-Identifier: Apache-2.0

/// A key of a terminal, or a combination of keys.
enum Key: Hashable, Sendable {
    /// A character, or a part of one: an accent follows its letter.
    case scalar(Unicode.Scalar)
    /// Ctrl and a letter, or one of `[ \ ] ^ _`; Ctrl-M is ``enter``, Ctrl-H and Ctrl-? are ``backspace``.
    case control(Character)
    case enter, backspace, delete, left, right, up, down, home, end, wordLeft, wordRight
}

/// Keys from the bytes that a terminal sends: UTF-8 and, after an escape character, the sequences of ECMA-48 and of
/// xterm, which are what terminals of today send. Bytes may arrive in any division.
struct KeyDecoder {
    /// The beginning of a key.
    private var pending: [UInt8] = []

    /// No key is longer. What is, is no key, and ignored.
    private static let longest = 32

    /// The keys that these bytes complete. Sequences without a meaning here, and bytes that are not UTF-8, are ignored.
    mutating func append(_ bytes: some Sequence<UInt8>) -> [Key] {
        var keys: [Key] = []
        for byte in bytes {
            // A control character begins a key, whatever was before it: a lone Escape makes no other key disappear.
            if byte < 0x20 { pending.removeAll(keepingCapacity: true) }
            pending.append(byte)
            switch Self.decode(pending) {
            case .key(let key): keys.append(key)
            case .nothing: break
            case .incomplete:
                if pending.count < Self.longest { continue }
            }
            pending.removeAll(keepingCapacity: true)
        }
        return keys
    }

    private enum Outcome {
        case key(Key)
        case nothing
        case incomplete
    }

    private static func decode(_ bytes: [UInt8]) -> Outcome {
        switch bytes[0] {
        case 0x1B: escape(bytes.dropFirst())
        case UInt8(ascii: "\r"), UInt8(ascii: "\n"): .key(.enter)
        case 0x08, 0x7F: .key(.backspace)
        case UInt8(ascii: "\t"): .key(.scalar("\t"))
        case let byte where byte < 0x20: .key(.control(Character(Unicode.Scalar(byte | 0x40))))
        default: scalar(bytes)
        }
    }

    private static func scalar(_ bytes: [UInt8]) -> Outcome {
        let count = (~bytes[0]).leadingZeroBitCount
        if 2...4 ~= count, bytes.count < count { return .incomplete }
        guard let text = String(validating: bytes, as: UTF8.self), let scalar = text.unicodeScalars.first else {
            return .nothing
        }
        return .key(.scalar(scalar))
    }

    /// - Parameter bytes: what follows the escape character.
    private static func escape(_ bytes: ArraySlice<UInt8>) -> Outcome {
        guard let first = bytes.first, let last = bytes.last else { return .incomplete }
        // F1 to F5 of the Linux console: `ESC [ [` and a letter (`linux` in terminfo(5), kf1).
        if bytes.elementsEqual("[[".utf8) { return .incomplete }
        switch first {
        case UInt8(ascii: "["), UInt8(ascii: "O"):
            guard bytes.count > 1, 0x40...0x7E ~= last else { return .incomplete }
            return meaning(of: String(decoding: bytes.dropFirst(), as: UTF8.self)).map(Outcome.key) ?? .nothing
        case UInt8(ascii: "b"): return .key(.wordLeft)
        case UInt8(ascii: "f"): return .key(.wordRight)
        default: return .nothing
        }
    }

    /// `ESC [` or `ESC O`, and this.
    private static func meaning(of sequence: String) -> Key? {
        switch sequence {
        case "A": .up
        case "B": .down
        case "C": .right
        case "D": .left
        case "H", "1~", "7~": .home
        case "F", "4~", "8~": .end
        case "3~": .delete
        // With Alt or Ctrl.
        case "1;3C", "1;5C": .wordRight
        case "1;3D", "1;5D": .wordLeft
        default: nil
        }
    }
}

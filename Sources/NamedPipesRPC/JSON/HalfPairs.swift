// SPDX-License-Identifier: Apache-2.0

// JavaScript's strings may contain half of a surrogate pair, and JSON.stringify writes it as an escape, such as
// `\ud83d`. It is JSON by RFC 8259 (section 8.2), but no Unicode text, and Foundation's decoder refuses the whole value
// because of it.

extension [UInt8] {
    /// Replaces each escape of half a surrogate pair by U+FFFD, as everything else that makes text of such strings
    /// does. The escape is as long as the one that it replaces, so nothing moves.
    ///
    /// To be called with JSON that was checked; of anything else, only what stands behind `\ud` can change.
    mutating func replaceHalfPairs() {
        // Without a backslash there is none: that is one pass over the bytes.
        guard var offset = firstIndex(of: UInt8(ascii: "\\")) else { return }
        while offset < count {
            guard self[offset] == UInt8(ascii: "\\") else {
                offset += 1
                continue
            }
            switch surrogate(at: offset) {
            case .high? where surrogate(at: offset + 6) == .low: offset += 12
            case .high?, .low?:
                replaceSubrange(offset..<offset + 6, with: #"\ufffd"#.utf8)
                offset += 6
            case nil: offset += 2
            }
        }
    }

    private enum Surrogate { case high, low }

    /// Which half the escape at this place is; nil if there is none.
    private func surrogate(at offset: Int) -> Surrogate? {
        guard offset + 6 <= count, self[offset] == UInt8(ascii: "\\"), self[offset + 1] == UInt8(ascii: "u"),
            self[offset + 2] | 0x20 == UInt8(ascii: "d")
        else { return nil }
        switch self[offset + 3] | 0x20 {
        case UInt8(ascii: "8"), UInt8(ascii: "9"), UInt8(ascii: "a"), UInt8(ascii: "b"): return .high
        case UInt8(ascii: "c")...UInt8(ascii: "f"): return .low
        default: return nil
        }
    }
}

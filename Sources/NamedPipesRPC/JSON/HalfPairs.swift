// SPDX-License-Identifier: Apache-2.0

// JavaScript's strings may contain lone surrogates (half of a surrogate pair), and JSON.stringify writes them as
// escapes, such as `\ud83d`. That is JSON by RFC 8259 (section 8.2), but not Unicode text, and Foundation's decoder
// refuses the whole value because of it.

extension [UInt8] {
    /// Replaces each escape of a lone surrogate by U+FFFD, as other decoders do. The new escape is as long as the old
    /// one, so nothing moves.
    ///
    /// Call it with checked JSON; in anything else, only bytes after `\ud` can change.
    mutating func replaceHalfPairs() {
        // Without a backslash there is none: finding that out is one pass over the bytes.
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

    /// The half that the escape at this offset encodes; nil if it encodes none.
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

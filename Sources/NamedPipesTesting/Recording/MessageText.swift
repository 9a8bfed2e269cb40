// SPDX-License-Identifier: Apache-2.0

/// Messages in readable form, for the message of a failed expectation.
enum MessageText {
    /// How many bytes of a message are shown.
    static var shownByteCount: Int { 256 }

    /// How many bytes are shown before and behind a difference.
    private static var contextByteCount: Int { 20 }

    /// A message as quoted text, or as numbers if it is not text; of a long one, the beginning and the size.
    static func text(of message: [UInt8]) -> String {
        guard message.count > shownByteCount else { return quoted(message[...]) }
        return "\(quoted(message.prefix(shownByteCount)))… (\(message.count) bytes)"
    }

    /// The first difference between a message and an expected one: its offset, and both sides from shortly before it
    /// on. Nil if they are equal.
    static func difference(_ message: [UInt8], from expected: [UInt8]) -> String? {
        guard message != expected else { return nil }
        let offset = zip(message, expected).prefix { $0 == $1 }.count
        if offset == message.count {
            return "it ends after \(offset) bytes, before \(part(of: expected, from: offset))"
        }
        if offset == expected.count {
            let surplus = message.count - offset
            return "it has \(surplus) bytes more, from byte \(offset) on: \(part(of: message, from: offset))"
        }
        let start = max(0, offset - contextByteCount)
        return """
            first difference at byte \(offset): \(part(of: message, from: start)) in place of \
            \(part(of: expected, from: start))
            """
    }

    /// The bytes from an offset to shortly behind a difference, with dots where there is more.
    private static func part(of bytes: [UInt8], from start: Int) -> String {
        let part = bytes[start...].prefix(2 * contextByteCount)
        return (start > 0 ? "…" : "") + quoted(part) + (part.endIndex < bytes.endIndex ? "…" : "")
    }

    private static func quoted(_ bytes: ArraySlice<UInt8>) -> String {
        text(in: bytes).map { $0.debugDescription } ?? "\(Array(bytes))"
    }

    /// The text in these bytes, which may begin and end in the middle of a character; nil if it is none, or has control
    /// characters besides tabs and line ends.
    private static func text(in bytes: ArraySlice<UInt8>) -> String? {
        let isControl: (UInt8) -> Bool = { $0 < 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D || $0 == 0x7F }
        guard !bytes.contains(where: isControl) else { return nil }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let isContinuation: (UInt8) -> Bool = { $0 & 0xC0 == 0x80 }
        let whole = bytes.drop(while: isContinuation)
        guard bytes.count - whole.count < 4 else { return nil }
        for cut in 0..<min(4, whole.count) {
            if let text = String(validating: whole.dropLast(cut), as: UTF8.self), !text.isEmpty { return text }
        }
        return nil
    }
}

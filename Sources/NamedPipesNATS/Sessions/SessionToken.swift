// SPDX-License-Identifier: Apache-2.0
#if NATS
/// The last part of a session's inbox: 128 random bits, as 32 hexadecimal digits. Other users of the broker are kept
/// out of a session by nothing but an inbox that they cannot guess.
struct SessionToken: Hashable {
    let value: UInt128

    static let digitCount = 32

    init(_ value: UInt128) { self.value = value }

    /// From the system's generator (`getrandom(2)`).
    static func random() -> SessionToken { SessionToken(.random(in: 0 ... .max)) }

    /// Parses the end of a subject; nil if it does not end in 32 digits, as this type writes them.
    init?(endOf subject: Span<UInt8>) {
        guard subject.count >= Self.digitCount else { return nil }
        var value: UInt128 = 0
        for index in subject.count - Self.digitCount..<subject.count {
            guard let digit = Self.value(ofDigit: subject[index]) else { return nil }
            value = value << 4 | UInt128(digit)
        }
        self.value = value
    }

    private static func value(ofDigit byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension SessionToken: CustomStringConvertible {
    var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: Self.digitCount - digits.count) + digits
    }
}
#endif

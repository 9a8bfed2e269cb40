// SPDX-License-Identifier: Apache-2.0

/// A script and the other end that use different framings, which is the likely cause of a failure.
struct FramingMismatch: CustomStringConvertible {
    private let script: any MessageFraming
    private let other: any MessageFraming

    /// Nil if both write messages in the same way; their limits may differ.
    init?(_ script: any MessageFraming, _ other: any MessageFraming) {
        self.script = script
        self.other = other
        let isSame =
            switch (script, other) {
            case (let script as LengthPrefixFraming, let other as LengthPrefixFraming):
                script.width == other.width && script.byteOrder == other.byteOrder
            case (let script as DelimiterFraming, let other as DelimiterFraming):
                script.delimiter == other.delimiter
            default: type(of: script) == type(of: other)
            }
        if isSame { return nil }
    }

    /// `the script's framing is LengthPrefixFraming (4 bytes, bigEndian), the other end's DelimiterFraming ([10])`.
    var description: String {
        "the script's framing is \(Self.name(of: script)), the other end's \(Self.name(of: other))"
    }

    private static func name(of framing: any MessageFraming) -> String {
        switch framing {
        case let framing as LengthPrefixFraming:
            "LengthPrefixFraming (\(framing.width.rawValue) bytes, \(framing.byteOrder))"
        case let framing as DelimiterFraming: "DelimiterFraming (\(framing.delimiter))"
        default: "\(type(of: framing))"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import NamedPipes

/// The form in which a message is shown.
enum MessageStyle {
    /// One line of text, safe for a terminal whatever the peer sent.
    case text
    /// The bytes as they arrived, and a line feed.
    case raw
    /// One JSON object.
    case json

    /// The line for a message, including its line feed.
    func line(for message: [UInt8], from connection: PipeConnection) -> [UInt8] {
        switch self {
        case .text: Array((printable(message) + "\n").utf8)
        case .raw: message + [UInt8(ascii: "\n")]
        case .json: Array(jsonLine(MessageRecord(message, connection)).utf8)
        }
    }
}

/// A message as text that a terminal shows and never obeys.
///
/// In UTF-8 text, control characters and invisible formatting are escaped, and a backslash is `\\`, so that the output
/// is unambiguous. Bytes that are not UTF-8 are shown as ASCII with `\xNN` for everything else.
func printable(_ message: [UInt8]) -> String {
    if let text = String(validating: message, as: UTF8.self) { return printable(text, escapingBackslashes: true) }
    return message.map { byte in
        switch byte {
        case UInt8(ascii: "\\"): "\\\\"
        case 0x20..<0x7F: String(UnicodeScalar(byte))
        default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }.joined()
}

/// A text in which every character that is invisible, or that has an effect beyond being visible, is escaped.
///
/// - Parameter escapingBackslashes: whether backslashes are escaped, so that an escape cannot be confused with text
///   that looks like one.
func printable(_ text: String, escapingBackslashes: Bool = false) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case "\\" where escapingBackslashes: result += "\\\\"
        case _ where scalar.isInvisible: result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

extension UnicodeScalar {
    var isInvisible: Bool {
        if isASCII { return value < 0x20 || value == 0x7F }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

/// One received message, for `--json`.
struct MessageRecord: Encodable {
    let time: String
    let connection: String
    let peer: PeerRecord
    let size: Int
    let message: String?
    let base64: String?

    init(_ message: [UInt8], _ connection: PipeConnection) {
        time = jsonTime(WallClock.nanoseconds)
        self.connection = connection.id.description
        peer = PeerRecord(connection.peer)
        size = message.count
        (self.message, base64) = jsonContent(message)
    }
}

/// A time for `--json`, in ISO 8601 with microseconds: `2026-02-03T04:05:06.123456Z`.
///
/// - Parameter nanoseconds: since 1970-01-01 UTC.
func jsonTime(_ nanoseconds: Int64) -> String {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let text = Date(timeIntervalSince1970: Double(seconds)).formatted(
        .iso8601.year().month().day().time(includingFractionalSeconds: false))
    return "\(text).\(ClockTime.microseconds(rest))Z"
}

/// A message for `--json`: its text if it is UTF-8, else its bytes in Base64.
func jsonContent(_ message: [UInt8]) -> (text: String?, base64: String?) {
    let text = String(validating: message, as: UTF8.self)
    return (text, text == nil ? Data(message).base64EncodedString() : nil)
}

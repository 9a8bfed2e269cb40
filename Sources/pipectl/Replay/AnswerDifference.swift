// SPDX-License-Identifier: Apache-2.0

/// How an answer is not the recorded one.
enum AnswerDifference: Hashable {
    /// The first different byte is at the offset: in the message with this number on its connection, of which the first
    /// is 0; or, without a number, in the stream, of which both texts begin where the answer does.
    case different(number: Int?, offset: Int, expected: [UInt8], actual: [UInt8])
    /// There was no further answer.
    case unrecorded([UInt8])

    /// One line, without a line feed: `answer 3 differs at byte 12: recorded "…", came "…"`.
    var text: String {
        switch self {
        case .unrecorded(let bytes): return "an answer that was not recorded: \(Self.shown(bytes, around: 0))"
        case .different(let number?, let offset, let expected, let actual):
            return "answer \(number + 1) differs at byte \(offset): recorded \(Self.shown(expected, around: offset)), "
                + "came \(Self.shown(actual, around: offset))"
        case .different(nil, let offset, let expected, let actual):
            let common = zip(expected, actual).prefix { $0 == $1 }.count
            return "the answers differ at byte \(offset): recorded \(Self.shown(expected, around: common)), "
                + "came \(Self.shown(actual, around: common))"
        }
    }

    /// The bytes around an offset, escaped.
    private static func shown(_ bytes: [UInt8], around offset: Int) -> String {
        let start = max(0, min(offset, bytes.count) - 16)
        let end = min(bytes.count, max(offset, 0) + 24)
        let part = printable(Array(bytes[start..<max(start, end)]))
        return "\"\(start > 0 ? "…" : "")\(part)\(end < bytes.count ? "…" : "")\" (\(bytes.count) B)"
    }
}

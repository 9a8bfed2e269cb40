// SPDX-License-Identifier: Apache-2.0

/// How a message is a line, and a line a message.
enum MessageLines {
    /// As it is. What contains a line feed is no line.
    case plain
    /// A line feed as `\n`, a backslash as `\\`. Other backslashes in a line stay.
    case escaped

    /// The line with its line feed.
    func line(of message: [UInt8]) throws(Failure) -> [UInt8] {
        switch self {
        case .plain:
            guard !message.contains(Self.lineFeed) else {
                throw Failure("a message contains a line feed (--escape says how it can be a line)")
            }
            return message + [Self.lineFeed]
        case .escaped:
            var line: [UInt8] = []
            line.reserveCapacity(message.count + 1)
            for byte in message {
                switch byte {
                case Self.lineFeed: line += [Self.backslash, UInt8(ascii: "n")]
                case Self.backslash: line += [Self.backslash, Self.backslash]
                default: line.append(byte)
                }
            }
            return line + [Self.lineFeed]
        }
    }

    /// The message of a line without its line feed.
    func message(of line: [UInt8]) -> [UInt8] {
        guard self == .escaped, line.contains(Self.backslash) else { return line }
        var message: [UInt8] = []
        var rest = line[...]
        while let byte = rest.popFirst() {
            switch (byte, rest.first) {
            case (Self.backslash, UInt8(ascii: "n")): message.append(Self.lineFeed)
            case (Self.backslash, Self.backslash): message.append(Self.backslash)
            default:
                message.append(byte)
                continue
            }
            rest.removeFirst()
        }
        return message
    }

    private static let lineFeed = UInt8(ascii: "\n")
    private static let backslash = UInt8(ascii: "\\")
}

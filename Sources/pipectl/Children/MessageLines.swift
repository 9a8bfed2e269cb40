// SPDX-License-Identifier: Apache-2.0

/// The conversion of messages to lines and back.
enum MessageLines {
    /// As it is. A message that contains a line feed cannot be a line.
    case plain
    /// A line feed as `\n`, a backslash as `\\`. Other backslashes in a line remain.
    case escaped

    /// The line, including its line feed.
    func line(of message: [UInt8]) throws(Failure) -> [UInt8] {
        switch self {
        case .plain:
            guard !message.contains(Self.lineFeed) else {
                throw Failure("a message contains a line feed (--escape allows that)")
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

    /// The message of a line that is given without its line feed.
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

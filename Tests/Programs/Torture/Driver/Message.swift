// SPDX-License-Identifier: Apache-2.0

/// The messages of an exchange: party and number decide every byte, so that a message that is lost, doubled, torn or
/// out of place is detected at once.
enum Message {
    /// The number of messages that each client sends, including its introduction. There are as many answers.
    static let count = 24

    // Nothing, small, carried over, in place, read into memory of its own, larger than a socket holds.
    private static let sizes = [0, 1, 17, 900, 4_000, 20_000, 70_000, 300_000]

    // Random enough that no two places look alike, and the same in each run.
    private static let pattern: [UInt8] = {
        var state: UInt64 = 88_172_645_463_325_252
        return (0..<302_000).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state)
        }
    }()

    /// The end of a conversation on the server's side; its number follows the last.
    static let farewell = Array("end".utf8)

    static func body(_ number: Int, of party: Int) -> [UInt8] {
        if number == 0 { return [UInt8(party)] }
        if number >= count { return farewell }
        let offset = number * 41 + party * 7
        return Array(pattern[offset..<(offset + sizes[number % sizes.count])])
    }

    /// The number of this message of the party, for the report of one that was not expected.
    static func number(of body: [UInt8], party: Int) -> Int? {
        (0...count).first { Self.body($0, of: party) == body }
    }
}

/// One direction of one conversation, as the receiver sees it: the messages have to come in order, each once.
struct Inbox {
    let party: Int
    private(set) var count = 0

    init(party: Int) { self.party = party }

    /// Returns what is wrong with the next message, if something is.
    mutating func receive(_ message: [UInt8]) -> String? {
        // It may come early, to a client that could not send everything; the exchange is not complete then.
        if message == Message.farewell, count < Message.count { return nil }
        defer { count += 1 }
        guard message != Message.body(count, of: party) else { return nil }
        let found = Message.number(of: message, party: party).map(String.init) ?? "torn, \(message.count) bytes"
        return "party \(party): message \(found) instead of \(count)"
    }
}

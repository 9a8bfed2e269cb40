// SPDX-License-Identifier: Apache-2.0
import NamedPipes

// DEL, EXPIRE and similar commands: those that work with all kinds of values.

extension Database {
    static let keyCommands = [
        Command(name: "del", wordCounts: 2...Int.max) { database, message throws(CommandError) in
            database.delete(message)
        },
        Command(name: "exists", wordCounts: 2...Int.max) { database, message throws(CommandError) in
            database.countExisting(message)
        },
        Command(name: "type", wordCounts: 2...2) { database, message throws(CommandError) in
            database.appendType(message)
        },
        Command(name: "expire", wordCounts: 3...3) { database, message throws(CommandError) in
            try database.expire(message)
        },
        Command(name: "ttl", wordCounts: 2...2) { database, message throws(CommandError) in
            database.appendLifetime(message, unitsPerSecond: 1)
        },
        Command(name: "pttl", wordCounts: 2...2) { database, message throws(CommandError) in
            database.appendLifetime(message, unitsPerSecond: 1000)
        },
        Command(name: "dbsize", wordCounts: 1...1) { database, _ throws(CommandError) in
            database.reply.append(integer: database.items.count)
        },
        Command(name: "flushall", wordCounts: 1...2) { database, _ throws(CommandError) in database.flush() },
        Command(name: "flushdb", wordCounts: 1...2) { database, _ throws(CommandError) in database.flush() },
    ]

    /// The value of a key, if it has not expired.
    mutating func content(of key: Span<UInt8>) -> Item.Content? { slot(of: key).flatMap { items[$0]?.content } }

    private mutating func delete(_ message: Span<UInt8>) {
        var count = 0
        for word in words.dropFirst() {
            guard let slot = slot(of: message.extracting(word)) else { continue }
            items.remove(at: slot)
            count += 1
        }
        reply.append(integer: count)
    }

    private mutating func countExisting(_ message: Span<UInt8>) {
        var count = 0
        for word in words.dropFirst() where slot(of: message.extracting(word)) != nil { count += 1 }
        reply.append(integer: count)
    }

    private mutating func appendType(_ message: Span<UInt8>) {
        switch content(of: message.extracting(words[1])) {
        case nil: reply.append(status: "none")
        case .string, .integer: reply.append(status: "string")
        case .list: reply.append(status: "list")
        }
    }

    private mutating func expire(_ message: Span<UInt8>) throws(CommandError) {
        // An impossible time is an error even if there is no such key.
        let deadline = try deadline(message, 2, per: 1, "expire")
        let key = message.extracting(words[1])
        guard let slot = slot(of: key), var item = items[slot] else { return reply.append(integer: 0) }
        if deadline <= .now {
            items.remove(at: slot)
        } else {
            item.deadline = deadline
            store(item, for: key)
        }
        reply.append(integer: 1)
    }

    private mutating func appendLifetime(_ message: Span<UInt8>, unitsPerSecond: Int) {
        guard let item = slot(of: message.extracting(words[1])).flatMap({ items[$0] }) else {
            return reply.append(integer: -2)
        }
        guard item.deadline != .never else { return reply.append(integer: -1) }
        let milliseconds = item.deadline.milliseconds - Moment.now.milliseconds
        let isRoundedUp = unitsPerSecond == 1 && milliseconds % 1000 >= 500
        reply.append(integer: milliseconds / (1000 / unitsPerSecond) + (isRoundedUp ? 1 : 0))
    }

    private mutating func flush() {
        items.removeAll()
        reply.append(status: "OK")
    }

    /// One word as a time from now, which may be in the past, within the range of the clock.
    func deadline(
        _ message: Span<UInt8>, _ index: Int, per unitsPerSecond: Int, _ command: StaticString
    ) throws(CommandError) -> Moment {
        let number = try integer(message, index)
        let (milliseconds, isTooLarge) = number.multipliedReportingOverflow(by: 1000 / unitsPerSecond)
        guard !isTooLarge, let deadline = Moment.now.after(milliseconds) else {
            throw .invalidExpireTime(command: command)
        }
        return deadline
    }
}

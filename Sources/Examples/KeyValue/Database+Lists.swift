// SPDX-License-Identifier: Apache-2.0
import NamedPipes

// LPUSH, LRANGE and similar commands.

extension Database {
    static let listCommands = [
        Command(name: "lpush", wordCounts: 3...Int.max) { database, message throws(CommandError) in
            try database.push(message) { $0.prepend($1) }
        },
        Command(name: "rpush", wordCounts: 3...Int.max) { database, message throws(CommandError) in
            try database.push(message) { $0.append($1) }
        },
        Command(name: "lpop", wordCounts: 2...3) { database, message throws(CommandError) in
            try database.pop(message) { $0.popFirst() }
        },
        Command(name: "rpop", wordCounts: 2...3) { database, message throws(CommandError) in
            try database.pop(message) { $0.popLast() }
        },
        Command(name: "llen", wordCounts: 2...2) { database, message throws(CommandError) in
            database.reply.append(integer: try database.list(message)?.count ?? 0)
        },
        Command(name: "lrange", wordCounts: 4...4) { database, message throws(CommandError) in
            try database.range(message)
        },
    ]

    /// The list under the command's key, if there is one.
    private mutating func list(_ message: Span<UInt8>) throws(CommandError) -> ValueList? {
        switch content(of: message.extracting(words[1])) {
        case nil: return nil
        case .list(let list): return list
        case .string, .integer: throw .wrongType
        }
    }

    private mutating func push(_ message: Span<UInt8>, _ insert: (ValueList, [UInt8]) -> Void) throws(CommandError) {
        let existing = try list(message)
        let list = existing ?? ValueList()
        for word in words.dropFirst(2) { insert(list, [UInt8](copying: message.extracting(word))) }
        if existing == nil { items.insert(Item(content: .list(list)), for: message.extracting(words[1])) }
        reply.append(integer: list.count)
    }

    /// One value, or an array with the requested number of values.
    private mutating func pop(_ message: Span<UInt8>, _ take: (ValueList) -> [UInt8]?) throws(CommandError) {
        let limit = words.count > 2 ? try count(message, 2) : nil
        guard let list = try list(message) else { return limit == nil ? reply.appendNull() : reply.appendNullArray() }
        if let limit { reply.append(arrayOf: min(limit, list.count)) }
        for _ in 0..<min(limit ?? 1, list.count) {
            if let value = take(list) { reply.append(string: value.span) }
        }
        // There are no empty lists.
        if list.count == 0, let slot = slot(of: message.extracting(words[1])) { items.remove(at: slot) }
    }

    private func count(_ message: Span<UInt8>, _ index: Int) throws(CommandError) -> Int {
        guard let count = try? integer(message, index), count >= 0 else {
            throw .other("ERR value is out of range, must be positive")
        }
        return count
    }

    private mutating func range(_ message: Span<UInt8>) throws(CommandError) {
        let (first, last) = (try integer(message, 2), try integer(message, 3))
        guard let list = try list(message) else { return reply.append(arrayOf: 0) }
        let start = max(0, first < 0 ? list.count + first : first)
        let end = min(list.count, (last < 0 ? list.count + last : min(last, list.count)) + 1)
        guard start < end else { return reply.append(arrayOf: 0) }
        reply.append(arrayOf: end - start)
        for index in start..<end { reply.append(string: list[index].span) }
    }
}

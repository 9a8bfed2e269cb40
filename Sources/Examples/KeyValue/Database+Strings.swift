// SPDX-License-Identifier: Apache-2.0
import NamedPipes

// GET, SET and similar commands.

extension Database {
    static let stringCommands = [
        Command(name: "get", wordCounts: 2...2) { database, message throws(CommandError) in
            try database.get(message)
        },
        Command(name: "set", wordCounts: 3...Int.max) { database, message throws(CommandError) in
            try database.set(message)
        },
        Command(name: "mget", wordCounts: 2...Int.max) { database, message throws(CommandError) in
            database.mget(message)
        },
        Command(name: "mset", wordCounts: 3...Int.max, takesPairs: true) { database, message throws(CommandError) in
            database.mset(message)
        },
        Command(name: "incr", wordCounts: 2...2) { database, message throws(CommandError) in
            try database.add(1, message)
        },
        Command(name: "decr", wordCounts: 2...2) { database, message throws(CommandError) in
            try database.add(-1, message)
        },
        Command(name: "incrby", wordCounts: 3...3) { database, message throws(CommandError) in
            try database.add(try database.integer(message, 2), message)
        },
        Command(name: "decrby", wordCounts: 3...3) { database, message throws(CommandError) in
            let number = try database.integer(message, 2)
            guard number > .min else { throw .other("ERR decrement would overflow") }
            try database.add(-number, message)
        },
    ]

    private mutating func get(_ message: Span<UInt8>) throws(CommandError) {
        switch content(of: message.extracting(words[1])) {
        case nil: reply.appendNull()
        case .string(let bytes): reply.append(string: bytes.span)
        case .integer(let number): reply.append(string: "\(number)")
        case .list: throw .wrongType
        }
    }

    private mutating func mget(_ message: Span<UInt8>) {
        reply.append(arrayOf: words.count - 1)
        for word in words.dropFirst() {
            switch content(of: message.extracting(word)) {
            case nil, .list: reply.appendNull()
            case .string(let bytes): reply.append(string: bytes.span)
            case .integer(let number): reply.append(string: "\(number)")
            }
        }
    }

    private mutating func set(_ message: Span<UInt8>) throws(CommandError) {
        let options = words.count == 3 ? SetOptions() : try SetOptions(self, message)
        let key = message.extracting(words[1])
        if let condition = options.condition, (slot(of: key) != nil) != (condition == .ifThere) {
            return reply.appendNull()
        }
        let value = [UInt8](copying: message.extracting(words[2]))
        store(Item(content: .string(value), deadline: options.deadline), for: key)
        reply.append(status: "OK")
    }

    private mutating func mset(_ message: Span<UInt8>) {
        for index in stride(from: 1, to: words.count, by: 2) {
            let value = [UInt8](copying: message.extracting(words[index + 1]))
            store(Item(content: .string(value)), for: message.extracting(words[index]))
        }
        reply.append(status: "OK")
    }

    private mutating func add(_ number: Int, _ message: Span<UInt8>) throws(CommandError) {
        let key = message.extracting(words[1])
        let slot = slot(of: key)
        let item = slot.flatMap { items[$0] }
        let before: Int
        switch item?.content {
        case nil: before = 0
        case .integer(let number): before = number
        case .string(let bytes): before = try Self.integer(bytes.span)
        case .list: throw .wrongType
        }
        let (sum, isOverflow) = before.addingReportingOverflow(number)
        guard !isOverflow else { throw .overflow }
        let after = Item(content: .integer(sum), deadline: item?.deadline ?? .never)
        if let slot { items.update(slot, to: after) } else { items.insert(after, for: key) }
        reply.append(integer: sum)
    }
}

/// The options after `SET key value`.
private struct SetOptions {
    enum Condition {
        case ifThere, ifMissing
    }

    var condition: Condition?
    var deadline = Moment.never

    init() {}

    init(_ database: borrowing Database, _ message: Span<UInt8>) throws(CommandError) {
        var number: (index: Int, unitsPerSecond: Int)?
        var index = 3
        while index < database.words.count {
            let hasNext = index + 1 < database.words.count
            switch database.option(message, index) {
            case "nx" where condition != .ifThere: condition = .ifMissing
            case "xx" where condition != .ifMissing: condition = .ifThere
            case "ex" where hasNext && number == nil: number = (index + 1, 1)
            case "px" where hasNext && number == nil: number = (index + 1, 1000)
            default: throw .syntax
            }
            index += number?.index == index + 1 ? 2 : 1
        }
        guard let number else { return }
        deadline = try database.deadline(message, number.index, per: number.unitsPerSecond, "set")
        guard try database.integer(message, number.index) > 0 else { throw .invalidExpireTime(command: "set") }
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// A command by its name: how many words it takes, and what it does.
final class Command: Sendable {
    typealias Body = @Sendable (inout Database, Span<UInt8>) throws(CommandError) -> Void

    let name: String
    /// How many words it takes, including its name.
    let wordCounts: ClosedRange<Int>
    /// Whether the words after the name are pairs.
    let takesPairs: Bool
    let body: Body

    init(name: String, wordCounts: ClosedRange<Int>, takesPairs: Bool = false, body: @escaping Body) {
        self.name = name
        self.wordCounts = wordCounts
        self.takesPairs = takesPairs
        self.body = body
    }

    func takes(_ wordCount: Int) -> Bool {
        wordCounts.contains(wordCount) && !(takesPairs && wordCount.isMultiple(of: 2))
    }

    /// The command of that name, in upper or lower case.
    static func named(_ name: Span<UInt8>) -> Command? { packed(name).flatMap { table[$0] } }

    /// Up to eight letters in one number, so that looking up a name needs no string.
    private static func packed(_ name: Span<UInt8>) -> UInt64? {
        guard (1...8).contains(name.count) else { return nil }
        var result: UInt64 = 0
        for index in name.indices {
            let byte = name[index]
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            result = result << 8 | UInt64(isUpper ? byte | 0x20 : byte)
        }
        return result
    }

    private static let table: [UInt64: Command] = {
        let all = Database.stringCommands + Database.listCommands + Database.keyCommands + Database.sessionCommands
        return Dictionary(
            uniqueKeysWithValues: all.map { command in
                guard let key = packed(command.name.utf8.span) else { preconditionFailure("too long: \(command.name)") }
                return (key, command)
            })
    }()
}

/// The reason why a command was not carried out, in the words of Redis.
enum CommandError: Error {
    case wrongType
    case notAnInteger
    case overflow
    case syntax
    case invalidExpireTime(command: StaticString)
    case other(String)

    var text: String {
        switch self {
        case .wrongType: "WRONGTYPE Operation against a key holding the wrong kind of value"
        case .notAnInteger: "ERR value is not an integer or out of range"
        case .overflow: "ERR increment or decrement would overflow"
        case .syntax: "ERR syntax error"
        case .invalidExpireTime(let command): "ERR invalid expire time in '\(command)' command"
        case .other(let text): text
        }
    }
}

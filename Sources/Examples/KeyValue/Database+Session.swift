// SPDX-License-Identifier: Apache-2.0
import NamedPipes

// PING, and the commands that redis-cli and redis-benchmark send at the beginning.

extension Database {
    static let sessionCommands = [
        Command(name: "ping", wordCounts: 1...2) { database, message throws(CommandError) in
            if database.words.count == 1 { return database.reply.append(status: "PONG") }
            database.reply.append(string: message.extracting(database.words[1]))
        },
        Command(name: "echo", wordCounts: 2...2) { database, message throws(CommandError) in
            database.reply.append(string: message.extracting(database.words[1]))
        },
        Command(name: "quit", wordCounts: 1...Int.max) { database, _ throws(CommandError) in
            database.reply.append(status: "OK")
        },
        Command(name: "select", wordCounts: 2...2) { database, message throws(CommandError) in
            guard try database.integer(message, 1) == 0 else { throw .other("ERR DB index is out of range") }
            database.reply.append(status: "OK")
        },
        Command(name: "hello", wordCounts: 1...Int.max) { database, message throws(CommandError) in
            try database.hello(message)
        },
        Command(name: "client", wordCounts: 2...Int.max) { database, message throws(CommandError) in
            try database.client(message)
        },
        Command(name: "config", wordCounts: 2...Int.max) { database, message throws(CommandError) in
            try database.config(message)
        },
        Command(name: "command", wordCounts: 1...Int.max) { database, _ throws(CommandError) in
            // redis-cli provides help and hints at the prompt without the server.
            database.reply.append(arrayOf: 0)
        },
        Command(name: "info", wordCounts: 1...Int.max) { database, _ throws(CommandError) in
            database.reply.append(string: "# Keyspace\r\ndb0:keys=\(database.items.count)\r\n")
        },
    ]

    /// `HELLO [version [AUTH user password] [SETNAME name]]`: the first command of clients that use the third version
    /// of the protocol; the reply describes the server.
    private mutating func hello(_ message: Span<UInt8>) throws(CommandError) {
        if words.count > 1 {
            guard let number = try? integer(message, 1) else {
                throw .other("ERR Protocol version is not an integer or out of range")
            }
            guard let version = Reply.Version(rawValue: number) else {
                throw .other("NOPROTO unsupported protocol version")
            }
            try checkHelloOptions(message)
            reply.version = version
        }
        let facts: [(String, String)] = [
            ("server", "key-value"), ("mode", "standalone"), ("role", "master"),
        ]
        reply.append(mapOf: facts.count + 2)
        for (name, value) in facts {
            reply.append(string: name)
            reply.append(string: value)
        }
        reply.append(string: "modules")
        reply.append(arrayOf: 0)
        reply.append(string: "proto")
        reply.append(integer: reply.version.rawValue)
    }

    /// There are no passwords here: as in Redis, the default user has none, and there is no other user.
    private func checkHelloOptions(_ message: Span<UInt8>) throws(CommandError) {
        var index = 2
        while index < words.count {
            switch option(message, index) {
            case "auth" where index + 2 < words.count:
                guard text(message, index + 1) == "default" else {
                    throw .other("WRONGPASS invalid username-password pair or user is disabled.")
                }
                index += 3
            case "setname" where index + 1 < words.count: index += 2
            default: throw .other("ERR Syntax error in HELLO option '\(text(message, index))'")
            }
        }
    }

    /// Names of clients are accepted and forgotten.
    private mutating func client(_ message: Span<UInt8>) throws(CommandError) {
        switch option(message, 1) {
        case "setname", "setinfo": reply.append(status: "OK")
        case "getname": reply.appendNull()
        default: throw unknownSubcommand(of: "CLIENT", message)
        }
    }

    /// The settings that redis-benchmark prints about its server: nothing is ever written to a disk.
    private mutating func config(_ message: Span<UInt8>) throws(CommandError) {
        guard option(message, 1) == "get", words.count > 2 else { throw unknownSubcommand(of: "CONFIG", message) }
        let known = ["save": "", "appendonly": "no"]
        let found = words.indices.dropFirst(2).compactMap { index in
            known[option(message, index)].map { (option(message, index), $0) }
        }
        reply.append(mapOf: found.count)
        for (name, value) in found {
            reply.append(string: name)
            reply.append(string: value)
        }
    }

    private func unknownSubcommand(of command: String, _ message: Span<UInt8>) -> CommandError {
        .other("ERR unknown subcommand '\(text(message, 1).prefix(128))'. Try \(command) HELP.")
    }
}

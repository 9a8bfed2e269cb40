// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// One connection's conversation, from the first line to the last.
struct Visit {
    let room: Room
    let connection: AsyncPipeConnection

    /// Run it as the connection's handler.
    nonisolated(nonsending) func run() async throws {
        guard let name = try await introduce() else { return }
        do {
            try await stay(as: name)
        } catch {
            await leave(name)
            throw error
        }
        await leave(name)
    }

    /// Asks for names until a free one is given.
    private nonisolated(nonsending) func introduce() async throws -> String? {
        try await connection.send("* what is your name?")
        for try await message in connection.messages {
            guard let name = Self.line(message), name.unicodeScalars.contains(where: \.properties.isAlphabetic) else {
                try await connection.send("* a name has letters")
                continue
            }
            guard let history = await room.enter(as: name) else {
                try await connection.send("* \(name) is already here; who are you?")
                continue
            }
            for line in history { try await connection.send(line) }
            return name
        }
        return nil
    }

    private nonisolated(nonsending) func stay(as name: String) async throws {
        try await connection.join(Room.group)
        try await connection.send("* welcome, \(name); /who says who is here")
        try await connection.publish("* \(name) has come", to: Room.group)
        for try await message in connection.messages {
            guard let line = Self.line(message) else {
                try await connection.send("* only UTF-8 is spoken here")
                continue
            }
            if line == "/who" {
                try await connection.send("* here: \(await room.members.joined(separator: ", "))")
            } else {
                try await connection.publish(await room.say(line, as: name), to: Room.group)
            }
        }
    }

    /// A line in a form that is safe on the terminals of others: without control characters, and without the carriage
    /// return that `nc -C` sends in front of the line feed. Nil if the message is not UTF-8.
    private static func line(_ message: PipeMessage) -> String? {
        String(copying: message).map { text in
            String(text.unicodeScalars.filter { $0.properties.generalCategory != .control })
        }
    }

    private nonisolated(nonsending) func leave(_ name: String) async {
        await room.leave(name)
        _ = try? await connection.publish("* \(name) has gone", to: Room.group)
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// Keys and values, and the execution of commands on them. It knows nothing about connections.
struct Database: ~Copyable {
    enum Outcome {
        case goesOn
        /// The client has asked for the end, or has sent an unintelligible request.
        case closes
    }

    /// The replies to the commands since ``clearReply()``.
    var reply = Reply()

    var items = ByteTable<Item>()

    /// The ranges of the present command's words, its name first. Reused for each command.
    private(set) var words: [Range<Int>] = []

    /// Whether there has ever been a key that expires.
    private var hasDeadlines = false

    /// The position of ``removeSomeExpired()``.
    private var sweptSlot = 0

    /// Executes one command that ``RequestFraming`` has delivered.
    mutating func execute(_ message: Span<UInt8>) -> Outcome {
        words.removeAll(keepingCapacity: true)
        switch RequestScan.scan(message, argument: { words.append($0) }) {
        case .complete where message[0] == UInt8(ascii: "*"):
            return words.isEmpty ? .goesOn : run(message)
        case .complete:
            return executeLine(message)
        case .malformed(let error, _):
            return refuse(error)
        case .incomplete:
            // The framing delivers whole commands. If it ever does not, that costs one client its connection, rather
            // than all clients the database.
            return refuse(.cutShort)
        }
    }

    mutating func clearReply() { reply.clear() }

    // Not inlined: the compiler (6.3.1) crashes on it.
    @inline(never)
    private mutating func executeLine(_ line: Span<UInt8>) -> Outcome {
        do throws(ProtocolError) {
            let array = try InlineCommand.array(of: line)
            return execute(array.span)
        } catch {
            return refuse(error)
        }
    }

    private mutating func refuse(_ error: ProtocolError) -> Outcome {
        reply.append(error: "ERR Protocol error: \(error.text)")
        return .closes
    }

    private mutating func run(_ message: Span<UInt8>) -> Outcome {
        guard let command = Command.named(message.extracting(words[0])) else {
            reply.append(error: unknownCommand(message))
            return .goesOn
        }
        guard command.takes(words.count) else {
            reply.append(error: "ERR wrong number of arguments for '\(command.name)' command")
            return .goesOn
        }
        do throws(CommandError) {
            try command.body(&self, message)
        } catch {
            reply.append(error: error.text)
        }
        return command.name == "quit" ? .closes : .goesOn
    }

    private func unknownCommand(_ message: Span<UInt8>) -> String {
        let name = text(message, 0).prefix(128)
        var arguments = ""
        for index in words.indices.dropFirst() where arguments.count < 128 {
            arguments += "'\(text(message, index).prefix(128 - arguments.count))' "
        }
        return "ERR unknown command '\(name)', with args beginning with: \(arguments)"
    }

    // MARK: Items

    /// The slot of a key, if it has not expired.
    mutating func slot(of key: Span<UInt8>) -> Int? {
        guard let slot = items.slot(of: key) else { return nil }
        guard let deadline = items[slot]?.deadline, deadline != .never, deadline <= .now else { return slot }
        items.remove(at: slot)
        return nil
    }

    /// Stores an item, replacing the present one.
    mutating func store(_ item: Item, for key: Span<UInt8>) {
        if item.deadline != .never { hasDeadlines = true }
        if let slot = items.slot(of: key) { items.update(slot, to: item) } else { items.insert(item, for: key) }
    }

    /// Examines a part of the table, and continues behind it the next time.
    mutating func removeSomeExpired(slotCount: Int = 4096) {
        guard hasDeadlines else { return }
        let now = Moment.now
        for _ in 0..<min(slotCount, items.slotCount) {
            sweptSlot = sweptSlot < items.slotCount ? sweptSlot : 0
            // Another one may have moved up into the slot.
            while let deadline = items[sweptSlot]?.deadline, deadline <= now { items.remove(at: sweptSlot) }
            sweptSlot += 1
        }
    }
}

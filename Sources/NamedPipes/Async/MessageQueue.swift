// SPDX-License-Identifier: Apache-2.0

/// Waiting messages, with the size of the memory that is released when they are taken.
///
/// Several messages may share one piece of memory. The last of them carries the size of the piece: once it is taken,
/// nothing here keeps the piece any more.
struct MessageQueue: ~Copyable, Sendable {
    private struct Entry {
        let message: PipeMessage
        /// The bytes that are released when this message is taken.
        var memoryByteCount = 0
    }

    private var entries = Ring<Entry>()

    /// The number of the first message; messages are numbered from the beginning of the queue.
    private(set) var firstNumber = 0

    /// The bytes of the messages, and of the list's entry for each: a peer may send any number of empty ones.
    private(set) var byteCount = 0

    /// The size of the memory that they keep, and of the list's if it is more than every queue keeps.
    private(set) var memoryByteCount = 0

    private static let entryByteCount = MemoryLayout<Entry>.stride

    var isEmpty: Bool { entries.isEmpty }

    var count: Int { entries.count }

    /// - Returns: the message's number.
    @discardableResult
    @inline(__always)
    mutating func append(_ message: PipeMessage) -> Int {
        let capacity = entries.capacity
        entries.append(Entry(message: message))
        if entries.capacity != capacity { listDidChange(from: capacity) }
        byteCount &+= message.byteCount &+ Self.entryByteCount
        return firstNumber &+ entries.count &- 1
    }

    @inline(__always)
    mutating func takeFirst() -> PipeMessage? {
        let capacity = entries.capacity
        guard let entry = entries.removeFirst() else { return nil }
        firstNumber &+= 1
        byteCount &-= entry.message.byteCount &+ Self.entryByteCount
        memoryByteCount &-= entry.memoryByteCount
        if entries.capacity != capacity { listDidChange(from: capacity) }
        return entry.message
    }

    /// Appends the messages of another queue.
    mutating func append(contentsOf other: inout MessageQueue) {
        guard !isEmpty else { return swap(&self, &other) }
        while let entry = other.entries.removeFirst() { hold(entry.memoryByteCount, until: append(entry.message)) }
        other = MessageQueue()
    }

    // MARK: Memory

    /// Adds memory that is kept until a message is taken; until a number is given, for an indefinite time.
    mutating func hold(_ count: Int, until number: Int? = nil) {
        memoryByteCount += count
        if let number { entries[number - firstNumber].memoryByteCount += count }
    }

    /// Releases kept memory with a message, or at once if that was taken already.
    mutating func letGo(of count: Int, with number: Int) {
        if number >= firstNumber {
            entries[number - firstNumber].memoryByteCount += count
        } else {
            memoryByteCount -= count
        }
    }

    /// Transfers kept memory from one message to a later one.
    mutating func keep(_ count: Int, from number: Int, until later: Int) {
        entries[number - firstNumber].memoryByteCount -= count
        entries[later - firstNumber].memoryByteCount += count
    }

    @inline(never)
    private mutating func listDidChange(from capacity: Int) {
        memoryByteCount += Self.listByteCount(entries.capacity) - Self.listByteCount(capacity)
    }

    private static func listByteCount(_ capacity: Int) -> Int {
        capacity > Ring<Entry>.keptCapacity ? capacity * entryByteCount : 0
    }
}

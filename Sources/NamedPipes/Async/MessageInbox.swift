// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// Messages that have arrived and that no task has taken yet.
///
/// What arrives in one burst shares memory: small messages are copied one behind the other into pieces that are never
/// moved, large ones stay where they were read. An empty inbox owns nothing but the memory of its list.
struct MessageInbox {
    private var messages: [PipeMessage] = []
    // How many of them have been taken.
    private var takenCount = 0
    private var piece: SharedBytes?

    /// The bytes of the messages that wait, and of the list's entry for each: a peer may send any number of empty ones.
    private(set) var byteCount = 0

    /// How much memory the pieces hold that were begun since the inbox was empty.
    private(set) var memoryByteCount = 0

    /// The first piece holds a few small messages. Each further one is twice as large, up to what the allocator still
    /// gives out of memory that it has.
    private static let pieceByteCounts = 1 << 10...64 << 10

    var isEmpty: Bool { takenCount == messages.count }

    mutating func append(_ message: Span<UInt8>, from connection: PipeConnection) {
        byteCount += message.count + Self.entryByteCount
        if takenCount > Self.keptCapacity, takenCount > messages.count / 2 {
            messages.removeSubrange(..<takenCount)
            takenCount = 0
        }
        guard message.count < TransferBuffers.inPlaceByteCount else {
            memoryByteCount += message.count
            return messages.append(connection.keep(message))
        }
        let piece = piece(for: message.count)
        let start = piece.bytes.byteCount
        piece.bytes.append(contentsOf: message)
        messages.append(
            unsafe piece.bytes.withUnsafeBytes { bytes in
                unsafe PipeMessage(UnsafeRawBufferPointer(rebasing: bytes[start...]), in: piece)
            })
    }

    /// One with room for so many bytes, so that those in it stay where they are.
    private mutating func piece(for count: Int) -> SharedBytes {
        if let piece, piece.bytes.room >= count { return piece }
        let doubled = min((piece?.bytes.capacity ?? 0) * 2, Self.pieceByteCounts.upperBound)
        let capacity = max(doubled, Self.pieceByteCounts.lowerBound, count)
        let fresh = SharedBytes()
        fresh.bytes.reserveCapacity(capacity)
        memoryByteCount += capacity
        piece = fresh
        return fresh
    }

    mutating func takeFirst() -> PipeMessage? {
        guard takenCount < messages.count else { return nil }
        let message = messages[takenCount]
        takenCount += 1
        byteCount -= message.byteCount + Self.entryByteCount
        if takenCount == messages.count { becomeEmpty() }
        return message
    }

    mutating func takeAll() -> [PipeMessage] {
        let all = takenCount == 0 ? messages : Array(messages[takenCount...])
        messages = []
        becomeEmpty()
        return all
    }

    /// Puts back what was taken and not used.
    mutating func putBack(_ unused: [PipeMessage]) {
        messages.replaceSubrange(..<takenCount, with: unused)
        takenCount = 0
        byteCount += unused.reduce(0) { $0 + $1.byteCount + Self.entryByteCount }
    }

    private mutating func becomeEmpty() {
        messages.removeAll(keepingCapacity: messages.capacity <= Self.keptCapacity)
        takenCount = 0
        byteCount = 0
        memoryByteCount = 0
        piece = nil
    }

    private static let entryByteCount = MemoryLayout<PipeMessage>.stride

    /// A list of so many messages is kept for the next burst.
    private static let keptCapacity = 64
}

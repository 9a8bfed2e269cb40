// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// Messages that have arrived and that no task has received yet.
///
/// The messages of one burst share memory: small messages are copied one behind the other into pieces that are never
/// moved, and large ones stay where they were read. A piece is released when the last message in it is taken. An empty
/// inbox owns nothing but the memory of its list.
struct MessageInbox: ~Copyable {
    private var queue = MessageQueue()

    // The piece that is being filled, and the number of its last message.
    private var piece: SharedBuffer?
    private var lastNumberInPiece = 0

    // The latest large message: others may be in the same memory.
    private var large: (memory: ObjectIdentifier, number: Int)?

    /// The first piece has room for a few small messages. Each further one is as large as all waiting messages, so that
    /// partly used pieces stay in proportion to them, up to the size that the allocator still takes from memory that it
    /// has.
    private static let pieceByteCounts = smallestPieceByteCount...64 << 10
    static let smallestPieceByteCount = 1 << 10

    var isEmpty: Bool { queue.isEmpty }

    /// The bytes of the waiting messages, and of the list's entry for each.
    var byteCount: Int { queue.byteCount }

    /// The size of the memory that they keep.
    var memoryByteCount: Int { queue.memoryByteCount }

    mutating func append(_ message: Span<UInt8>, from connection: PipeConnection) {
        guard message.count < ReactorBuffers.inPlaceByteCount else {
            return append(inOwnMemory: connection.keep(message))
        }
        let piece = piece(for: message.count, connection)
        let start = piece.bytes.byteCount
        piece.bytes.append(contentsOf: message)
        lastNumberInPiece = queue.append(
            unsafe piece.bytes.withUnsafeBytes { bytes in
                unsafe PipeMessage(UnsafeRawBufferPointer(rebasing: bytes[start...]), in: piece)
            })
    }

    /// A piece with room for this number of bytes, so that its contents are never moved.
    @inline(__always)
    private mutating func piece(for count: Int, _ connection: PipeConnection) -> SharedBuffer {
        if let piece, piece.bytes.room >= count { return piece }
        return freshPiece(for: count, connection.endpoint)
    }

    @inline(never)
    private mutating func freshPiece(for count: Int, _ endpoint: Endpoint) -> SharedBuffer {
        endPiece()
        // While a budget has little room, each piece is charged for before there is another.
        let largest = endpoint.ledger.isTight ? Self.pieceByteCounts.lowerBound : Self.pieceByteCounts.upperBound
        let byteCount = max(min(queue.byteCount, largest), Self.pieceByteCounts.lowerBound, count)
        let fresh = endpoint.buffers.borrowPiece(atLeast: byteCount)
        queue.hold(fresh.bytes.capacity)
        piece = fresh
        return fresh
    }

    @inline(never)
    private mutating func endPiece(recyclingTo buffers: ReactorBuffers? = nil) {
        guard let piece else { return }
        buffers?.recycle(piece: piece)
        queue.letGo(of: piece.bytes.capacity, with: lastNumberInPiece)
        self.piece = nil
    }

    /// Appends a message that is not copied to a piece: because it is large, or because descriptors came with it.
    @inline(never)
    mutating func append(inOwnMemory message: PipeMessage) {
        let memory = unsafe message.memory.owner
        let capacity = memory.bytes.capacity
        let number = queue.append(message)
        if let large, large.memory == ObjectIdentifier(memory), large.number >= queue.firstNumber {
            queue.keep(capacity, from: large.number, until: number)
        } else {
            queue.hold(capacity, until: number)
        }
        large = (ObjectIdentifier(memory), number)
    }

    /// Takes the first message. The memory of small ones is reused when the last of them is released.
    @inline(__always)
    mutating func takeFirst(recyclingTo buffers: ReactorBuffers) -> PipeMessage? {
        guard let message = queue.takeFirst() else { return nil }
        if queue.isEmpty { endPiece(recyclingTo: buffers) }
        return message
    }

    /// Moves all messages to another queue.
    mutating func move(to other: inout MessageQueue) {
        endPiece()
        other.append(contentsOf: &queue)
        queue = MessageQueue()
        large = nil
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

/// The memory that all connections of one reactor share: the receive buffer, and spare queues and reassembly buffers
/// that a connection borrows for a moment. Because of it, an idle connection owns no buffer, and a busy one allocates
/// nothing in the steady state.
@safe
final class ReactorBuffers {
    /// The receive buffer, 224 KiB: slightly more than the 219,264 bytes that a socket with the kernel's default send
    /// buffer holds. One read therefore takes everything that is there, and the answers to it fit into the socket if
    /// they are as long as the questions. With 256 KiB, every other burst of 64 KiB messages had to wait for room (0.73
    /// instead of 1.0 times the rate of hand-written C).
    let receiveBuffer: UnsafeMutableRawBufferPointer

    /// The buffers into which large messages are read.
    let pool: LargeBufferPool

    /// The memory of the messages that are being delivered, if it is not the receive buffer.
    @safe @exclusivity(unchecked) var deliveredMemory: SharedBuffer?

    /// A partial frame up to this size is copied in front of the next read; a larger one is read into its own memory.
    static let copiedByteCount = 16 << 10

    /// A message of this size is not copied into a send queue, if its memory lives long enough. Below it, copying is
    /// cheaper.
    static let inPlaceByteCount = 16 << 10

    /// A message of this size whose memory does not live long enough is written at once, and only the bytes that the
    /// kernel does not take are copied. Below it, several messages in one write are worth more than the copy; at 64 KiB
    /// the copy costs more (0.78 instead of 0.50 of the rate of the load in C).
    static let writtenAtOnceByteCount = 32 << 10

    // The free list, linked through the queues themselves: an array would be checked for uniqueness at each burst.
    private var freeQueues: SendQueueSlot?
    private var freeQueueCount = 0
    @safe @exclusivity(unchecked) private var freeReassemblies: [ReassemblyBuffer] = []

    /// The memory of small messages that tasks have received. They may still use it.
    @safe @exclusivity(unchecked) private var sparePiece: SharedBuffer?

    /// A large frame's fresh memory grows by at least this much, and by no more than what has arrived of it. With a
    /// header before it, one step of ``LargeBufferPool``.
    static let smallestGrowth = 60 << 10

    // A connection may keep what it borrowed from the free list while it holds two bytes. So memory that is larger than
    // this is returned: a reassembly buffer's, because its peer decides how long it is used; a queue's, because a burst
    // of answers needs no more.
    private static let keptReassemblyByteCount = ByteLedger.floor
    private static let keptQueueByteCount = 256 << 10
    private static let keptCount = 64
    private static let keptPieceByteCount = 1 << 10

    /// The upper bound of the memory that may be in use besides the connections' own: the receive buffer, the memory of
    /// a frame that may be read behind another, the pool and the free lists.
    static let keptByteCount =
        receiveByteCount + LargeBufferPool.rounded(receiveByteCount) + LargeBufferPool.keptByteCount
        + keptCount * (keptReassemblyByteCount + keptQueueByteCount) + keptPieceByteCount
    static let receiveByteCount = 224 << 10

    init(_ reactor: Reactor) {
        unsafe receiveBuffer = .allocate(byteCount: Self.receiveByteCount, alignment: 4096)
        pool = LargeBufferPool(reactor)
    }

    deinit {
        unsafe receiveBuffer.deallocate()
        while let queue = popFreeQueue() { queue.destroy() }
    }

    /// Borrows an empty queue. The caller sets its prepaid size: doing so here would cost a retain.
    @inline(__always)
    func borrowQueue() -> SendQueueSlot { popFreeQueue() ?? SendQueueSlot() }

    @inline(__always)
    private func popFreeQueue() -> SendQueueSlot? {
        guard let queue = freeQueues else { return nil }
        freeQueues = queue.value.nextFree
        freeQueueCount &-= 1
        return queue
    }

    @inline(__always)
    func recycle(_ queue: SendQueueSlot) {
        // Nothing here may call anything, or the compiler retains this object around it. A queue that was never charged
        // for has been small: its memory is within the bound.
        guard freeQueueCount < Self.keptCount, queue.value.charge.byteCount == 0, queue.value.isContiguous else {
            return recycleSlowly(queue)
        }
        queue.value.clear()
        queue.value.nextFree = freeQueues
        freeQueues = queue
        freeQueueCount &+= 1
    }

    @inline(never)
    private func recycleSlowly(_ queue: SendQueueSlot) {
        queue.value.clearSegments()
        queue.value.charge.release()
        guard freeQueueCount < Self.keptCount, queue.value.bytes.capacity <= Self.keptQueueByteCount else {
            return queue.destroy()
        }
        recycle(queue)
    }

    /// Empty memory for a message that has to wait: exactly as much as it needs if the pool would return more.
    func memory(for byteCount: Int) -> SharedBuffer {
        guard byteCount < LargeBufferPool.step else { return pool.memory(atLeast: byteCount) }
        var fresh = FrameBuffer()
        fresh.reserveCapacity(byteCount)
        return SharedBuffer(fresh)
    }

    /// Borrows memory for small messages that wait for tasks. With a thousand connections and one message each, every
    /// message would otherwise allocate (900 instructions).
    func borrowPiece(atLeast byteCount: Int) -> SharedBuffer {
        if byteCount <= Self.keptPieceByteCount, let spare = takeSparePiece() { return spare }
        let fresh = SharedBuffer()
        fresh.bytes.reserveCapacity(max(byteCount, Self.keptPieceByteCount))
        return fresh
    }

    /// The spare memory, unless a message in it is still in use.
    private func takeSparePiece() -> SharedBuffer? {
        guard isKnownUniquelyReferenced(&sparePiece), let spare = sparePiece.take() else {
            sparePiece = nil
            return nil
        }
        spare.bytes.removeAll(keepingCapacity: true)
        return spare
    }

    func recycle(piece: SharedBuffer) {
        if piece.bytes.capacity <= Self.keptPieceByteCount { sparePiece = piece }
    }

    func borrowReassembly() -> ReassemblyBuffer { freeReassemblies.popLast() ?? ReassemblyBuffer(pool) }

    func recycle(_ reassembly: ReassemblyBuffer) {
        guard freeReassemblies.count < Self.keptCount else { return }
        reassembly.reset(keepingCapacityUpTo: Self.keptReassemblyByteCount)
        freeReassemblies.append(reassembly)
    }
}

extension ReactorBuffers {
    /// The place of a message's bytes.
    enum Place {
        /// In the receive buffer: valid until the connection that is being served is done.
        case receiveBuffer
        /// In memory that can be retained.
        case memory(SharedBuffer)
        /// In memory of another owner.
        case elsewhere
    }

    func place(of message: UnsafeRawBufferPointer) -> Place {
        if unsafe UnsafeRawBufferPointer(receiveBuffer).contains(message) { return .receiveBuffer }
        guard let memory = deliveredMemory else { return .elsewhere }
        let isInside = unsafe memory.bytes.withUnsafeBytes { unsafe $0.contains(message) }
        return isInside ? .memory(memory) : .elsewhere
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func contains(_ other: UnsafeRawBufferPointer) -> Bool {
        guard let start = baseAddress, let first = other.baseAddress else { return false }
        return unsafe first >= start && first + other.count <= start + count
    }
}

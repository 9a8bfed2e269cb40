// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

/// The memory that all connections of one reactor share: the buffer that reads go into, and spare queues and reassembly
/// buffers for a connection that needs one for a moment. It is why an idle connection owns no buffer, and why a busy
/// one allocates nothing in the steady state.
@safe
final class ReactorBuffers {
    /// Where reads go, 224 KiB: a little more than the 219,264 bytes that a socket with the kernel's default send
    /// buffer holds. So one read takes all that is there, and the answers to it fit into the socket if they are as long
    /// as the questions; with 256 KiB, every other burst of 64 KiB messages had to wait for room (0.73 instead of 1.0
    /// times the rate of hand-written C).
    let receiveSpace: UnsafeMutableRawBufferPointer

    /// Where large messages are read to.
    let pool: LargeBufferPool

    /// What the messages that are being delivered lie in, if it is not the receive space.
    @safe @exclusivity(unchecked) var deliveredMemory: SharedBuffer?

    /// An unfinished frame up to this size is copied in front of the next read; a larger one is read in its own memory.
    static let copiedByteCount = 16 << 10

    /// A message of this size is not copied into a send queue, if its memory lasts. Below it, copying is cheaper.
    static let inPlaceByteCount = 16 << 10

    /// A message of this size, in memory that does not last, is given to the kernel at once, and only what that does
    /// not take is copied. Below it, several messages in one write are worth more than the copy; at 64 KiB the copy
    /// costs more (0.78 instead of 0.50 of the rate of the load in C).
    static let writtenAtOnceByteCount = 32 << 10

    // A chain through the queues themselves: an array would be checked for uniqueness at each burst.
    private var freeQueues: SendQueueSlot?
    private var freeQueueCount = 0
    @safe @exclusivity(unchecked) private var freeReassemblies: [ReassemblyBuffer] = []

    /// A large frame's own memory grows by this much at least, and by no more than what has arrived of it.
    /// With a header before it, one step of ``LargeBufferPool``.
    static let smallestGrowth = 60 << 10

    // Whoever takes something from the reserve may keep it while it holds two bytes. So memory that is larger than this
    // goes back: a reassembly buffer's, because its peer decides how long it lasts; a queue's, because a burst of
    // answers needs no more.
    private static let keptReassemblyByteCount = ByteLedger.floor
    private static let keptQueueByteCount = 256 << 10
    private static let keptCount = 64

    /// What may be in use beside what connections hold, in all: the receive space and the memory of a frame that may be
    /// read behind another, what the pool keeps, the reserve.
    static let keptByteCount =
        receiveByteCount + LargeBufferPool.rounded(receiveByteCount) + LargeBufferPool.keptByteCount
        + keptCount * (keptReassemblyByteCount + keptQueueByteCount)
    static let receiveByteCount = 224 << 10

    init(_ reactor: Reactor) {
        unsafe receiveSpace = .allocate(byteCount: Self.receiveByteCount, alignment: 4096)
        pool = LargeBufferPool(reactor)
    }

    deinit {
        unsafe receiveSpace.deallocate()
        while let queue = popFreeQueue() { queue.destroy() }
    }

    /// An empty queue. How much it takes without a question is for the caller to set: here, that would cost a retain.
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
        // for has held little: its memory is within what is kept.
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

    /// Empty memory for a message that has to wait, exactly as much as it needs where the pool would give it more.
    func memory(for byteCount: Int) -> SharedBuffer {
        guard byteCount < LargeBufferPool.step else { return pool.memory(atLeast: byteCount) }
        var fresh = FrameBuffer()
        fresh.reserveCapacity(byteCount)
        return SharedBuffer(fresh)
    }

    func borrowReassembly() -> ReassemblyBuffer { freeReassemblies.popLast() ?? ReassemblyBuffer(pool) }

    func recycle(_ reassembly: ReassemblyBuffer) {
        guard freeReassemblies.count < Self.keptCount else { return }
        reassembly.reset(keepingCapacityUpTo: Self.keptReassemblyByteCount)
        freeReassemblies.append(reassembly)
    }
}

extension ReactorBuffers {
    /// Where the bytes of a message lie.
    enum Place {
        /// In the receive space: valid until the connection that is being served has been.
        case receiveSpace
        /// In memory that can be held.
        case memory(SharedBuffer)
        /// Somebody else's.
        case elsewhere
    }

    func place(of message: UnsafeRawBufferPointer) -> Place {
        if unsafe UnsafeRawBufferPointer(receiveSpace).contains(message) { return .receiveSpace }
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

// SPDX-License-Identifier: Apache-2.0

/// The memory that all connections of one reactor share: the buffer that reads go into, and spare queues and partial
/// frames for whoever needs one for a moment. It is why an idle connection owns no buffer, and why a busy one allocates
/// nothing in the steady state.
@safe
final class TransferBuffers {
    /// Where reads go, 256 KiB: more than the kernel's default send buffer lets a peer have in flight.
    let receiveSpace: UnsafeMutableRawBufferPointer

    /// An unfinished frame up to this size is copied in front of the next read; a larger one is read in its own memory.
    static let copiedByteCount = 16 << 10

    // A chain through the queues themselves: an array would be checked for uniqueness at each burst.
    private var reserve: SendQueueSlot?
    private var reserveCount = 0
    private var partials: [PartialFrame] = []

    /// A large frame's own memory grows by this much at least, and by no more than what has arrived of it.
    static let smallestGrowth = 64 << 10

    // Whoever takes something from the reserve may keep it while it holds two bytes. So memory that is larger than this
    // goes back to the allocator: a partial frame's, because its peer decides how long it lasts; a queue's, because a
    // burst of answers needs no more.
    private static let keptPartialByteCount = 64 << 10
    private static let keptQueueByteCount = 256 << 10
    private static let keptCount = 64

    init() {
        unsafe receiveSpace = .allocate(byteCount: 256 << 10, alignment: 4096)
    }

    deinit {
        unsafe receiveSpace.deallocate()
        while let queue = popReserve() { queue.destroy() }
    }

    @inline(__always)
    func takeQueue() -> SendQueueSlot { popReserve() ?? SendQueueSlot() }

    @inline(__always)
    private func popReserve() -> SendQueueSlot? {
        guard let queue = reserve else { return nil }
        reserve = queue.value.nextInReserve
        reserveCount -= 1
        return queue
    }

    @inline(__always)
    func giveBack(_ queue: SendQueueSlot) {
        guard reserveCount < Self.keptCount, queue.value.bytes.capacity <= Self.keptQueueByteCount else {
            return queue.destroy()
        }
        queue.value.clear()
        queue.value.nextInReserve = reserve
        reserve = queue
        reserveCount &+= 1
    }

    func takePartial() -> PartialFrame { partials.popLast() ?? PartialFrame() }

    func giveBack(_ partial: PartialFrame) {
        guard partials.count < Self.keptCount else { return }
        partial.reset(keepingCapacityUpTo: Self.keptPartialByteCount)
        partials.append(partial)
    }
}

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

    /// What lies in the reserve, and how much may. Large buffers are kept, too: fresh memory costs 1.6 µs of page faults
    /// for every 4 KiB, which for a message of 4 MiB is more than moving it through the socket.
    private var reservedByteCount = 0
    private static let reserveLimit = 16 << 20
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
        reservedByteCount -= queue.value.bytes.capacity
        return queue
    }

    @inline(__always)
    func giveBack(_ queue: SendQueueSlot) {
        guard reserveCount < Self.keptCount else { return queue.destroy() }
        queue.value.reset(keepingCapacityUpTo: Self.reserveLimit - reservedByteCount)
        reservedByteCount += queue.value.bytes.capacity
        queue.value.nextInReserve = reserve
        reserve = queue
        reserveCount += 1
    }

    func takePartial() -> PartialFrame {
        guard let partial = partials.popLast() else { return PartialFrame() }
        reservedByteCount -= partial.bytes.capacity
        return partial
    }

    func giveBack(_ partial: PartialFrame) {
        guard partials.count < Self.keptCount else { return }
        partial.reset(keepingCapacityUpTo: Self.reserveLimit - reservedByteCount)
        reservedByteCount += partial.bytes.capacity
        partials.append(partial)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// The bytes that a connection carries from one read to the next: a partial frame, or messages that it may not deliver
/// yet.
///
/// An idle connection owns none.
final class ReassemblyBuffer {
    /// The bytes, beginning with the first byte of a frame. Delivered messages among them may have other owners, too.
    ///
    /// Not checked for overlapping accesses, as the charge is not: no other code runs while they are changed.
    @safe @exclusivity(unchecked) var memory: SharedBuffer

    /// The size of the whole first frame in bytes, if the framing knows it already.
    var frameByteCount: Int?

    /// The number of bytes that the framing need not scan again.
    var scannedByteCount = 0

    /// Whether decoding stopped early (paused, out of budget). There may be whole frames then, which are decoded before
    /// the next read.
    var mayHoldFrames = false

    /// The charge for the memory, in the ledger of the endpoint.
    @safe @exclusivity(unchecked) var charge = ByteCharge(for: .held)

    /// The tick of ``DeadlineSweep`` at which the first byte of the first frame arrived.
    var beganTick: UInt32 = 0

    private let pool: LargeBufferPool

    init(_ pool: LargeBufferPool) {
        self.pool = pool
        memory = SharedBuffer(pool: pool)
    }

    /// Stores the result of scanning these bytes, or bytes of which these are the rest.
    func note(_ walk: FrameWalk) {
        frameByteCount = walk.frameByteCount
        scannedByteCount = walk.scannedByteCount
        mayHoldFrames = walk.isStopped
        precondition(missingByteCount ?? 1 > 0, "a framing called a frame unfinished that is all there")
    }

    /// Removes the decoded frames, and stores the result of the scan.
    func didDecode(_ walk: FrameWalk, at tick: UInt32) {
        removeFirst(walk.consumedByteCount)
        // If a message was kept, the earlier memory belongs to it now.
        charge.shrink(to: memory.bytes.capacity)
        note(walk)
        if walk.consumedByteCount > 0 { beganTick = tick }
    }

    /// The number of bytes that have arrived.
    var byteCount: Int { memory.bytes.byteCount }

    /// The number of bytes of the first frame that have not arrived; nil if its size is not known.
    var missingByteCount: Int? { frameByteCount.map { $0 - byteCount } }

    /// The room that the next read should have, in bytes: the free room, if it is not too small; otherwise as much as
    /// has arrived, and at least ``ReactorBuffers/smallestGrowth``.
    var growth: Int {
        let room = memory.bytes.room
        return room >= ReactorBuffers.copiedByteCount ? room : max(byteCount, ReactorBuffers.smallestGrowth)
    }

    /// Appends bytes that were read elsewhere. If they need more memory, a spare buffer of about their size is used if
    /// the pool has one. Fresh memory would have exactly their size, and fill the pool with odd sizes once it is
    /// recycled.
    ///
    /// - Parameters:
    ///   - limit: the largest capacity of the spare buffer.
    ///   - pay: charges for that capacity. If it returns false, or there is none, the memory grows to the size of the
    ///     bytes, for which the caller charges.
    func append(_ bytes: Span<UInt8>, atMost limit: @autoclosure () -> Int, paying pay: (Int) -> Bool) {
        let needed = byteCount + bytes.count
        if needed >= LargeBufferPool.smallestByteCount, memory.bytes.capacity < needed {
            _ = takeSpare(atLeast: needed, atMost: min(LargeBufferPool.rounded(needed), limit()), paying: pay)
        }
        // Not twice the capacity, as an append would make it: the capacity is charged for.
        memory.bytes.reserveCapacity(needed)
        memory.bytes.append(contentsOf: bytes)
    }

    /// Removes the delivered bytes. If the memory has other owners by now, it is left to them, and the rest is copied
    /// to memory that is no larger.
    func removeFirst(_ count: Int) {
        if isKnownUniquelyReferenced(&memory) { return memory.bytes.removeFirst(count) }
        let delivered = memory
        memory = SharedBuffer(pool: pool)
        delivered.withBytes { bytes in
            append(bytes.extracting(droppingFirst: count), atMost: delivered.bytes.capacity) { _ in true }
        }
    }

    /// Moves the bytes to memory that is large enough for the whole frame, if the pool has a buffer within the limit.
    /// Otherwise, the memory grows with the bytes that arrive.
    ///
    /// - Parameter pay: charges for a capacity. If it returns false, the memory stays as it is.
    func moveToLargeMemory(atMost limit: @autoclosure () -> Int, paying pay: (Int) -> Bool) {
        // Small frames must not use up the buffers that large ones need.
        guard let frameByteCount, frameByteCount > max(memory.bytes.capacity, LargeBufferPool.smallestByteCount)
        else { return }
        _ = takeSpare(atLeast: frameByteCount, atMost: limit(), paying: pay)
    }

    /// Makes room for `count` more bytes, so that reading them allocates nothing: moves the bytes to the front, where
    /// delivered messages were, or to a buffer of the pool, one for the whole frame if there is one, or enlarges the
    /// memory.
    ///
    /// - Parameters:
    ///   - limit: the largest capacity, unless the bytes alone need more.
    ///   - pay: charges for the capacity, before anything is allocated. If it returns false, the memory stays as it is.
    /// - Returns: whether there is room, and charged for.
    func makeRoom(for count: Int, atMost limit: Int, paying pay: (Int) -> Bool) -> Bool {
        let needed = byteCount + count
        if memory.bytes.room >= count { return pay(memory.bytes.capacity) }
        let isOurs = isKnownUniquelyReferenced(&memory)
        if isOurs, memory.bytes.capacity >= needed {
            guard pay(memory.bytes.capacity) else { return false }
            memory.bytes.reserveCapacity(needed)
            return true
        }
        if let frameByteCount, frameByteCount > needed,
            takeSpare(atLeast: frameByteCount, atMost: limit, paying: pay) == true
        {
            return true
        }
        if let isPaid = takeSpare(atLeast: needed, atMost: limit, paying: pay) { return isPaid }
        let capacity = max(needed, min(LargeBufferPool.rounded(needed), limit))
        guard pay(capacity) else { return false }
        if isOurs {
            memory.bytes.reserveCapacity(capacity)
        } else {
            var fresh = FrameBuffer()
            fresh.reserveCapacity(capacity)
            move(to: SharedBuffer(fresh, pool: pool))
        }
        return true
    }

    /// Moves the bytes to a spare buffer of about this capacity.
    ///
    /// - Returns: nil if the pool has none; false if `pay` refuses, and the buffer stays in the pool.
    private func takeSpare(atLeast capacity: Int, atMost limit: Int, paying pay: (Int) -> Bool) -> Bool? {
        guard let found = pool.take(atLeast: capacity, atMost: limit) else { return nil }
        guard pay(found.capacity) else {
            pool.recycle(found)
            return false
        }
        move(to: SharedBuffer(found, pool: pool))
        return true
    }

    private func move(to larger: SharedBuffer) {
        memory.withBytes { larger.bytes.append(contentsOf: $0) }
        memory = larger
    }

    /// Resets the buffer to its initial state. Memory of more than `limit` bytes is released.
    func reset(keepingCapacityUpTo limit: Int) {
        if memory.bytes.capacity <= limit, isKnownUniquelyReferenced(&memory) {
            memory.bytes.removeAll(keepingCapacity: true)
        } else {
            memory = SharedBuffer(pool: pool)
        }
        charge.release()
        frameByteCount = nil
        scannedByteCount = 0
        mayHoldFrames = false
    }
}

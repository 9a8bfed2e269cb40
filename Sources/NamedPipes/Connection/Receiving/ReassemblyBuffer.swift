// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// What a connection carries from one read to the next: an partial frame, or messages that it may not deliver yet.
///
/// Only a connection that is in the middle of something owns one.
final class ReassemblyBuffer {
    /// The bytes, from a frame's first byte on. Messages in them may be held by others as well, once they were
    /// delivered.
    ///
    /// Unchecked for overlapping accesses, as the charge: nothing is called while they are changed.
    @safe @exclusivity(unchecked) var memory: SharedBuffer

    /// The size of the whole first frame, where the framing knows it already.
    var frameByteCount: Int?

    /// What the framing need not look at again.
    var scannedByteCount = 0

    /// Whether decoding was stopped (paused, out of budget): then whole frames may be here, and they come first.
    var mayHoldFrames = false

    /// The memory, in the ledger of the connection's owner.
    @safe @exclusivity(unchecked) var charge = ByteCharge(for: .held)

    /// When the first frame's first byte arrived, in ticks of ``DeadlineSweep``.
    var beganTick: UInt32 = 0

    private let pool: LargeBufferPool

    init(_ pool: LargeBufferPool) {
        self.pool = pool
        memory = SharedBuffer(pool: pool)
    }

    /// Notes how a walk over these bytes, or over bytes whose rest these are, ended.
    func note(_ walk: FrameWalk) {
        frameByteCount = walk.frameByteCount
        scannedByteCount = walk.scannedByteCount
        mayHoldFrames = walk.isStopped
        precondition(missingByteCount ?? 1 > 0, "a framing called a frame unfinished that is all there")
    }

    /// Removes the frames that were decoded, and notes how the walk over these bytes ended.
    func didDecode(_ walk: FrameWalk, at tick: UInt32) {
        removeFirst(walk.consumedByteCount)
        // Messages that are kept may have taken its memory with them.
        charge.shrink(to: memory.bytes.capacity)
        note(walk)
        if walk.consumedByteCount > 0 { beganTick = tick }
    }

    /// How many bytes have arrived.
    var byteCount: Int { memory.bytes.byteCount }

    /// How many bytes of the frame have not arrived, where that is known.
    var missingByteCount: Int? { frameByteCount.map { $0 - byteCount } }

    /// How much room the next read needs, or is to be made for it: never more than what has arrived, or a little at
    /// first.
    var growth: Int {
        let room = memory.bytes.room
        return room >= ReactorBuffers.copiedByteCount ? room : max(byteCount, ReactorBuffers.smallestGrowth)
    }

    func append(_ bytes: Span<UInt8>) {
        // Not twice as much, as an append makes it: what is held little is paid for with little.
        if memory.bytes.capacity < ByteLedger.floor { memory.bytes.reserveCapacity(byteCount + bytes.count) }
        memory.bytes.append(contentsOf: bytes)
    }

    /// Removes what was delivered. Memory that others hold by now is left to them.
    func removeFirst(_ count: Int) {
        if isKnownUniquelyReferenced(&memory) { return memory.bytes.removeFirst(count) }
        let rest = SharedBuffer(pool: pool)
        memory.withBytes { rest.bytes.append(contentsOf: $0.extracting(droppingFirst: count)) }
        memory = rest
    }

    /// Moves to memory that is large enough for the whole frame, if the pool has some that the budgets have room for.
    /// Without it the memory grows with what arrives.
    func moveToLargeMemory(atMost limit: @autoclosure () -> Int) {
        // A small frame is no reason to take what large ones need.
        guard let frameByteCount, frameByteCount > max(memory.bytes.capacity, LargeBufferPool.smallestByteCount),
            let found = pool.take(atLeast: frameByteCount, atMost: limit())
        else { return }
        move(to: SharedBuffer(found, pool: pool))
    }

    /// Makes room behind the bytes for `count` more: in front of them, where messages were that have been delivered, in
    /// memory that was used before, or by lengthening this. Reading that many allocates nothing.
    ///
    /// - Parameter limit: how much memory it may be then, if that is not less than it needs.
    func makeRoom(for count: Int, atMost limit: Int) {
        guard memory.bytes.room < count else { return }
        let needed = byteCount + count
        let isOurs = isKnownUniquelyReferenced(&memory)
        if isOurs, memory.bytes.capacity >= needed {
            memory.bytes.reserveCapacity(needed)
        } else if let found = pool.take(atLeast: needed, atMost: limit) {
            move(to: SharedBuffer(found, pool: pool))
        } else if isOurs {
            memory.bytes.reserveCapacity(max(needed, min(LargeBufferPool.rounded(needed), limit)))
        } else {
            var fresh = FrameBuffer()
            fresh.reserveCapacity(max(needed, min(LargeBufferPool.rounded(needed), limit)))
            move(to: SharedBuffer(fresh, pool: pool))
        }
    }

    private func move(to larger: SharedBuffer) {
        memory.withBytes { larger.bytes.append(contentsOf: $0) }
        memory = larger
    }

    /// Makes it as new. Memory beyond `limit` is given back.
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

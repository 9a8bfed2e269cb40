// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

/// The free large buffers of one reactor: its connections have used them before, and none of them owns them now.
///
/// A page that the kernel provides anew costs more than copying it (1.6 µs for 4 KiB where it was measured), so memory
/// for large messages is reused. It is not kept for long: a buffer that is unused for a second returns to the
/// allocator.
///
/// A frame that merely claims to be large may get a large buffer from here, but never makes the pool larger: the pool
/// hands out buffers that were filled before, or that are no larger than one read.
final class LargeBufferPool {
    /// The allocator serves smaller ones.
    static let smallestByteCount = 32 << 10

    /// Sizes of fresh buffers are multiples of this, so that the next request of about the same size can reuse them.
    static let step = 64 << 10

    /// The upper bound of the kept memory.
    static let keptByteCount = 32 << 20

    /// The time for which a buffer is kept unused: at least this long, at most twice as long.
    private let keptTime: Duration

    private final class Spare {
        // Not checked for overlapping accesses, and neither is the list: nothing is called while they are changed.
        @safe @exclusivity(unchecked) var bytes: FrameBuffer
        let number: Int

        init(_ bytes: consuming FrameBuffer, _ number: Int) {
            self.bytes = bytes
            self.number = number
        }
    }

    let executor: ReactorExecutor
    // A kept message may outlive the reactor; its end returns its memory to the pool.
    private weak let reactor: Reactor?
    // Sorted by size, the smallest first.
    @safe @exclusivity(unchecked) private var spares: [Spare] = []
    private(set) var byteCount = 0
    private var recycleCount = 0
    private var recycleCountAtClearing = 0
    private var clearing: ScheduledWork?

    init(_ reactor: Reactor, keptTime: Duration = .seconds(1)) {
        self.reactor = reactor
        executor = reactor.executor
        self.keptTime = keptTime
    }

    // A timer belongs to its reactor, and has ended with it.
    deinit { if reactor != nil { clearing?.cancel() } }

    /// An empty buffer with at least that capacity, if the pool has one that is not much too large.
    func take(atLeast capacity: Int, atMost limit: Int = .max) -> FrameBuffer? {
        guard let index = spares.firstIndex(where: { $0.bytes.capacity >= capacity }),
            spares[index].bytes.capacity / 4 <= max(capacity, Self.smallestByteCount),
            spares[index].bytes.capacity <= limit
        else { return nil }
        let spare = spares.remove(at: index)
        byteCount -= spare.bytes.capacity
        var bytes = FrameBuffer()
        swap(&bytes, &spare.bytes)
        return bytes
    }

    /// Empty memory with at least that capacity, reused or fresh.
    func memory(atLeast capacity: Int) -> SharedBuffer {
        if let found = take(atLeast: capacity) { return SharedBuffer(found, pool: self) }
        var fresh = FrameBuffer()
        fresh.reserveCapacity(Self.rounded(capacity))
        return SharedBuffer(fresh, pool: self)
    }

    static func rounded(_ capacity: Int) -> Int { (capacity + step - 1) / step * step }

    /// Takes memory that no longer has an owner. A stopped reactor runs no timers, so nothing is kept then.
    func recycle(_ bytes: consuming FrameBuffer) {
        guard let reactor, !reactor.isStopped else { return }
        let capacity = bytes.capacity
        guard capacity >= Self.smallestByteCount, capacity <= Self.keptByteCount else { return }
        while byteCount + capacity > Self.keptByteCount { removeLongestUnused() }
        bytes.removeAll(keepingCapacity: true)
        let index = spares.firstIndex { $0.bytes.capacity >= capacity } ?? spares.endIndex
        recycleCount += 1
        spares.insert(Spare(bytes, recycleCount), at: index)
        byteCount += capacity
        if clearing == nil { scheduleClearing() }
    }

    /// Sizes change: buffers of sizes that are no longer wanted must not fill the pool.
    private func removeLongestUnused() {
        guard let index = spares.indices.min(by: { spares[$0].number < spares[$1].number }) else { return }
        byteCount -= spares.remove(at: index).bytes.capacity
    }

    // Not weak: a weak reference makes a side table of the pool, which would live until the reactor ends, and which
    // leak checkers would not find.
    private func scheduleClearing() {
        clearing = reactor?.schedule(after: keptTime) { [unowned self] in clear() }
    }

    private func clear() {
        clearing = nil
        spares.removeAll { $0.number <= recycleCountAtClearing }
        byteCount = spares.reduce(0) { $0 + $1.bytes.capacity }
        recycleCountAtClearing = recycleCount
        if !spares.isEmpty { scheduleClearing() }
    }
}

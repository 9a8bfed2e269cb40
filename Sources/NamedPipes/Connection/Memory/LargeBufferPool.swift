// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

/// The free large buffers of one reactor: used by its connections before, and owned by none of them now.
///
/// A page that the kernel gives anew costs more than copying it (1.6 µs for 4 KiB where it was measured), so memory for
/// large messages is used again. It is not kept for long: a buffer that lies unused for a second goes back to the
/// allocator.
///
/// A frame that merely claims to be large may get a large buffer from here, but never makes the pool larger: what is
/// handed out was filled before, or is no larger than one read.
final class LargeBufferPool {
    /// Smaller ones are the allocator's business.
    static let smallestByteCount = 32 << 10

    /// Sizes of fresh ones are multiples of this, so that the next one who needs about as much can use it again.
    static let step = 64 << 10

    /// How much is kept at most.
    static let keptByteCount = 32 << 20

    /// How long a buffer is kept unused at least; at most twice as long.
    private let keptTime: Duration

    private final class Spare {
        // Unchecked for overlapping accesses, as the list of them: nothing is called while they are changed.
        @safe @exclusivity(unchecked) var bytes: FrameBuffer
        let number: Int

        init(_ bytes: consuming FrameBuffer, _ number: Int) {
            self.bytes = bytes
            self.number = number
        }
    }

    let executor: ReactorExecutor
    // A kept message may outlive the reactor, and gives its memory back here.
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

    // A timer belongs to its reactor, and ended with it.
    deinit { if reactor != nil { clearing?.cancel() } }

    /// An empty buffer of at least that capacity, if there is one, and not one that is much too large.
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

    /// Empty memory of at least that capacity, used before or fresh.
    func memory(atLeast capacity: Int) -> SharedBuffer {
        if let found = take(atLeast: capacity) { return SharedBuffer(found, pool: self) }
        var fresh = FrameBuffer()
        fresh.reserveCapacity(Self.rounded(capacity))
        return SharedBuffer(fresh, pool: self)
    }

    static func rounded(_ capacity: Int) -> Int { (capacity + step - 1) / step * step }

    /// Takes back memory that has no owner any more. A stopped reactor runs no timers, and keeps nothing.
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

    /// Sizes change: those that are wanted now must not find the room taken by those that were.
    private func removeLongestUnused() {
        guard let index = spares.indices.min(by: { spares[$0].number < spares[$1].number }) else { return }
        byteCount -= spares.remove(at: index).bytes.capacity
    }

    // Not weak: a side table of the pool's would be in use until the reactor ends, and found by no leak checker.
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

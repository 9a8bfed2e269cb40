// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// A large message that leaves from where it lies.
@safe
struct InPlaceSegment {
    /// How many bytes of the queue's buffer leave before it, counted from the first that was ever in there: so what leaves
    /// in front moves none of them. ``SendQueue/offset(of:)`` is where that is now.
    var position: Int
    var start: UnsafeRawPointer
    var byteCount: Int
    /// What keeps the memory. Nil while it lies in the reactor's receive space, which the next read overwrites.
    var owner: AnyObject?
    var envelope: FrameEnvelope
    /// How much memory it keeps, also when a part of it has left; 0 where the next one keeps the same.
    var capacity: Int
    /// Whether a byte of its frame was written.
    var isStarted = false

    /// Everything of its frame that has not left, if it is not started.
    var frameByteCount: Int { envelope.prefixByteCount + byteCount + envelope.suffixByteCount }
}

/// The large messages of a ``SendQueue``, in the order in which they leave. Those at the front go in constant time each,
/// however many there are.
struct InPlaceSegmentList {
    private var storage: [InPlaceSegment] = []
    private var first = 0

    /// The bytes of all.
    private(set) var byteCount = 0

    /// The memory that they keep: each owner counts once where its messages follow one another.
    private(set) var capacity = 0

    /// How many lie in the receive space.
    private(set) var borrowedCount = 0

    /// How many places were ever moved, taken or looked at on the way: what grows is seen in this number.
    private(set) var stepCount = 0

    var count: Int { storage.count &- first }

    var isEmpty: Bool { storage.count == first }

    subscript(index: Int) -> InPlaceSegment { storage[first + index] }

    mutating func append(_ insertion: InPlaceSegment) {
        // Several messages in one piece of memory: the last of them keeps it.
        if let last = storage.indices.last, last >= first, insertion.owner != nil,
            storage[last].owner === insertion.owner
        {
            capacity -= storage[last].capacity
            storage[last].capacity = 0
        }
        note(insertion, 1)
        storage.append(insertion)
    }

    /// Puts what has been begun in front of all. That moves them, which is paid for by the write that began it.
    mutating func prepend(_ insertion: InPlaceSegment) {
        note(insertion, 1)
        if first > 0 {
            first -= 1
            storage[first] = insertion
        } else {
            stepCount += storage.count
            storage.insert(insertion, at: 0)
        }
    }

    /// So many bytes of one have left. Returns whether that is all of it.
    mutating func advance(_ index: Int, by count: Int, isStarted: Bool) -> Bool {
        stepCount &+= 1
        if isStarted { storage[first + index].isStarted = true }
        unsafe storage[first + index].start += count
        storage[first + index].byteCount -= count
        byteCount -= count
        return storage[first + index].byteCount == 0
    }

    /// Lets those at the front go.
    mutating func removeFirst(_ count: Int) {
        for index in first..<(first + count) {
            note(storage[index], -1)
            storage[index].owner = nil
        }
        stepCount &+= count
        first += count
        if first == storage.count {
            // Whoever takes the queue next may need no list at all.
            storage.removeAll(keepingCapacity: storage.capacity <= Self.keptCount)
            first = 0
        } else if first > Self.keptCount, first >= storage.count / 2 {
            stepCount &+= storage.count - first
            storage.removeSubrange(..<first)
            first = 0
        }
    }

    /// Lets those behind the first one go, up to an index, and tells the first one how far its place has moved.
    mutating func removeBehindFirst(upTo end: Int, movingFirstBy distance: Int) {
        storage[first].position += distance
        guard end > 1 else { return }
        returnCapacityToFirst(upTo: end)
        storage.swapAt(first, first + end - 1)
        removeFirst(end - 1)
    }

    /// Where the memory of the first one was charged to one that goes, it is its own again.
    private mutating func returnCapacityToFirst(upTo end: Int) {
        var payer = first
        while payer < first + end, storage[payer].capacity == 0 { payer += 1 }
        guard payer > first, payer < first + end else { return }
        storage[first].capacity = storage[payer].capacity
        storage[payer].capacity = 0
    }

    /// Gives all that lie in the receive space memory that lasts.
    mutating func adoptBorrowed(_ adopt: (inout InPlaceSegment) -> Void) {
        var index = storage.count
        while borrowedCount > 0 {
            index -= 1
            stepCount &+= 1
            guard storage[index].owner == nil else { continue }
            capacity -= storage[index].capacity
            adopt(&storage[index])
            capacity += storage[index].capacity
            borrowedCount -= 1
        }
    }

    mutating func removeAll() {
        let steps = stepCount
        self = InPlaceSegmentList()
        stepCount = steps
    }

    private mutating func note(_ insertion: InPlaceSegment, _ sign: Int) {
        byteCount += sign * insertion.byteCount
        capacity += sign * insertion.capacity
        if insertion.owner == nil { borrowedCount += sign }
    }

    private static let keptCount = 32
}

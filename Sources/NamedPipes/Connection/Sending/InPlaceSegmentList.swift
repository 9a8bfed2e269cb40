// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// A large message that leaves from where it lies.
@safe
struct InPlaceSegment {
    /// How many bytes of the queue's buffer leave before it, counted from the first that was ever in there: so removing
    /// bytes at the front changes no position. ``SendQueue/offset(of:)`` is where it lies in the buffer now.
    var position: Int
    var start: UnsafeRawPointer
    var byteCount: Int
    /// What owns the memory. Nil while it lies in the reactor's receive space, which the next read overwrites.
    var owner: AnyObject?
    var envelope: FrameEnvelope
    /// How much memory it keeps, also when a part of it has left; 0 if the next one keeps the same memory.
    var capacity: Int
    /// Whether a byte of its frame was written.
    var isStarted = false

    /// Everything of its frame that has not left, if it is not started.
    var frameByteCount: Int { envelope.prefixByteCount + byteCount + envelope.suffixByteCount }
}

/// The large messages of a ``SendQueue``, in the order in which they leave. Removing one at the front takes constant
/// time, however many there are.
struct InPlaceSegmentList {
    private var storage: [InPlaceSegment] = []
    private var first = 0

    /// The bytes of all.
    private(set) var byteCount = 0

    /// The memory that they keep: each owner counts once where its messages follow one another.
    private(set) var capacity = 0

    /// How many of them lie in the receive space.
    private(set) var borrowedCount = 0

    /// How many elements were ever moved, removed or looked at: tests see in it what grows with the list.
    private(set) var stepCount = 0

    var count: Int { storage.count &- first }

    var isEmpty: Bool { storage.count == first }

    subscript(index: Int) -> InPlaceSegment { storage[first + index] }

    mutating func append(_ segment: InPlaceSegment) {
        // Several messages in one piece of memory: the last of them keeps it.
        if let last = storage.indices.last, last >= first, segment.owner != nil,
            storage[last].owner === segment.owner
        {
            capacity -= storage[last].capacity
            storage[last].capacity = 0
        }
        note(segment, 1)
        storage.append(segment)
    }

    /// Inserts the rest of a frame that has been begun in front of all. Moving them is paid for by the write that began
    /// it.
    mutating func prepend(_ segment: InPlaceSegment) {
        note(segment, 1)
        if first > 0 {
            first -= 1
            storage[first] = segment
        } else {
            stepCount += storage.count
            storage.insert(segment, at: 0)
        }
    }

    /// Bytes of one have left. Returns whether all of it has.
    mutating func advance(_ index: Int, by count: Int, isStarted: Bool) -> Bool {
        stepCount &+= 1
        if isStarted { storage[first + index].isStarted = true }
        unsafe storage[first + index].start += count
        storage[first + index].byteCount -= count
        byteCount -= count
        return storage[first + index].byteCount == 0
    }

    /// Removes those at the front.
    mutating func removeFirst(_ count: Int) {
        for index in first..<(first + count) {
            note(storage[index], -1)
            storage[index].owner = nil
        }
        stepCount &+= count
        first += count
        if first == storage.count {
            // The next owner of the queue may need no list at all.
            storage.removeAll(keepingCapacity: storage.capacity <= Self.keptCount)
            first = 0
        } else if first > Self.keptCount, first >= storage.count / 2 {
            stepCount &+= storage.count - first
            storage.removeSubrange(..<first)
            first = 0
        }
    }

    /// Removes those behind the first one, up to an index, and moves the first one's position.
    mutating func removeBehindFirst(upTo end: Int, movingFirstBy distance: Int) {
        storage[first].position += distance
        guard end > 1 else { return }
        returnCapacityToFirst(upTo: end)
        storage.swapAt(first, first + end - 1)
        removeFirst(end - 1)
    }

    /// If the memory of the first one was charged to one that goes, it is charged to the first one again.
    private mutating func returnCapacityToFirst(upTo end: Int) {
        var payer = first
        while payer < first + end, storage[payer].capacity == 0 { payer += 1 }
        guard payer > first, payer < first + end else { return }
        storage[first].capacity = storage[payer].capacity
        storage[payer].capacity = 0
    }

    /// Has those that lie in the receive space copied to memory that lasts.
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

    private mutating func note(_ segment: InPlaceSegment, _ sign: Int) {
        byteCount += sign * segment.byteCount
        capacity += sign * segment.capacity
        if segment.owner == nil { borrowedCount += sign }
    }

    private static let keptCount = 32
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// A large message that is written from its own memory instead of being copied into the queue.
@safe
struct InPlaceSegment {
    /// How many bytes of the queue's buffer are written before this segment, counted from the first byte that was ever
    /// in the buffer, so that removing bytes at the front changes no position. ``SendQueue/offset(of:)`` is the present
    /// offset in the buffer.
    var position: Int
    var start: UnsafeRawPointer
    var byteCount: Int
    /// The owner of the memory. Nil while the message is in the reactor's receive buffer, which the next read
    /// overwrites.
    var owner: AnyObject?
    var envelope: FrameEnvelope
    /// How much memory the segment keeps alive, even after a part of it was written; 0 if the next segment keeps the
    /// same memory.
    var capacity: Int
    /// Whether at least one byte of its frame was written.
    var isStarted = false
    /// Whether its owner is a ``DescriptorFrame``.
    var carriesDescriptors = false

    /// The size of the unwritten part of its frame, unless the frame is started.
    var frameByteCount: Int { envelope.prefixByteCount + byteCount + envelope.suffixByteCount }
}

/// The large messages of a ``SendQueue``, in the order in which they are written. Removing one at the front takes
/// constant time, whatever the length of the list.
struct InPlaceSegmentList {
    private var storage: [InPlaceSegment] = []
    private var firstIndex = 0

    /// The sum of the sizes of all segments.
    private(set) var byteCount = 0

    /// The memory that the segments keep alive. Consecutive segments with the same owner count once.
    private(set) var capacity = 0

    /// How many of them are in the receive buffer.
    private(set) var borrowedCount = 0

    /// How many of them carry descriptors.
    private(set) var descriptorFrameCount = 0

    /// How many elements were moved, removed or examined so far. Tests use this number to see which costs grow with the
    /// list.
    private(set) var stepCount = 0

    var count: Int { storage.count &- firstIndex }

    var isEmpty: Bool { storage.count == firstIndex }

    subscript(index: Int) -> InPlaceSegment { storage[firstIndex + index] }

    /// The one that is written next; nil if there is none.
    var first: InPlaceSegment? { isEmpty ? nil : storage[firstIndex] }

    mutating func append(_ segment: InPlaceSegment) {
        // Several messages in the same memory: the last of them accounts for it.
        if let last = storage.indices.last, last >= firstIndex, segment.owner != nil,
            storage[last].owner === segment.owner
        {
            capacity -= storage[last].capacity
            storage[last].capacity = 0
        }
        note(segment, 1)
        storage.append(segment)
    }

    /// Inserts the rest of a started frame in front of all segments. The write that started the frame pays for moving
    /// them.
    mutating func prepend(_ segment: InPlaceSegment) {
        note(segment, 1)
        if firstIndex > 0 {
            firstIndex -= 1
            storage[firstIndex] = segment
        } else {
            stepCount += storage.count
            storage.insert(segment, at: 0)
        }
    }

    /// Notes that bytes of one segment were written. Returns whether the segment is complete.
    mutating func advance(_ index: Int, by count: Int, isStarted: Bool) -> Bool {
        stepCount &+= 1
        if isStarted { storage[firstIndex + index].isStarted = true }
        unsafe storage[firstIndex + index].start += count
        storage[firstIndex + index].byteCount -= count
        byteCount -= count
        return storage[firstIndex + index].byteCount == 0
    }

    /// Removes the first segments.
    mutating func removeFirst(_ count: Int) {
        for index in firstIndex..<(firstIndex + count) {
            note(storage[index], -1)
            storage[index].owner = nil
        }
        stepCount &+= count
        firstIndex += count
        if firstIndex == storage.count {
            // The next owner of the queue may need no list at all.
            storage.removeAll(keepingCapacity: storage.capacity <= Self.keptCount)
            firstIndex = 0
        } else if firstIndex > Self.keptCount, firstIndex >= storage.count / 2 {
            stepCount &+= storage.count - firstIndex
            storage.removeSubrange(..<firstIndex)
            firstIndex = 0
        }
    }

    /// Removes the segments behind the first one, up to an index, and moves the first one's position.
    mutating func removeBehindFirst(upTo end: Int, movingFirstBy distance: Int) {
        storage[firstIndex].position += distance
        guard end > 1 else { return }
        returnCapacityToFirst(upTo: end)
        storage.swapAt(firstIndex, firstIndex + end - 1)
        removeFirst(end - 1)
    }

    /// If the memory of the first segment is charged to one that is being removed, charges it to the first one again.
    private mutating func returnCapacityToFirst(upTo end: Int) {
        var payer = firstIndex
        while payer < firstIndex + end, storage[payer].capacity == 0 { payer += 1 }
        guard payer > firstIndex, payer < firstIndex + end else { return }
        storage[firstIndex].capacity = storage[payer].capacity
        storage[payer].capacity = 0
    }

    /// Copies the segments that are in the receive buffer to memory that outlives the next read.
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
        if segment.carriesDescriptors { descriptorFrameCount += sign }
    }

    private static let keptCount = 32
}

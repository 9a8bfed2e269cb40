// SPDX-License-Identifier: Apache-2.0

/// A first-in, first-out queue whose memory follows what is in it: twice as much when it is full, less when an eighth
/// is used. An element that was taken leaves nothing behind, and taking one is O(1).
///
/// It has memory of its own rather than an array, whose checks took 200 of an async message's 1,800 instructions.
@safe
struct Ring<Element>: ~Copyable {
    // `count` elements from `first` on are initialised, and go on at the beginning. The pointer never leaves this file,
    // and a ring cannot be copied, so it is as sendable as its elements are; a pointer alone never would be.
    private nonisolated(unsafe) var slots: UnsafeMutablePointer<Element>?
    private var first = 0
    private(set) var count = 0

    /// For how many elements there is memory: a power of two, or 0.
    private(set) var capacity = 0

    /// The ring keeps memory for this number of elements when they are gone.
    static var keptCapacity: Int { 64 }

    private static var smallestCapacity: Int { 4 }

    init() { unsafe slots = nil }

    deinit {
        for index in 0..<count { unsafe slot(index).deinitialize(count: 1) }
        unsafe slots?.deallocate()
    }

    var isEmpty: Bool { count == 0 }

    /// Where the element at a place in the queue lies; the first is at 0.
    @inline(__always)
    private func slot(_ index: Int) -> UnsafeMutablePointer<Element> {
        unsafe slots.unsafelyUnwrapped + ((first &+ index) & (capacity &- 1))
    }

    /// The element at a place in the queue; the first is at 0.
    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "no such element")
            return unsafe slot(index).pointee
        }
        set {
            precondition(index >= 0 && index < count, "no such element")
            unsafe slot(index).pointee = newValue
        }
    }

    @inline(__always)
    mutating func append(_ element: consuming Element) {
        if count == capacity { move(to: max(count * 2, Self.smallestCapacity)) }
        unsafe slot(count).initialize(to: element)
        count &+= 1
    }

    @inline(__always)
    mutating func removeFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = unsafe slot(0).move()
        first = (first &+ 1) & (capacity &- 1)
        count &-= 1
        if capacity > Self.keptCapacity, count <= capacity / 8 { move(to: max(capacity / 4, Self.keptCapacity)) }
        return element
    }

    /// Takes out the first that is as wanted, in O(n). The others keep their order.
    mutating func removeFirst(where isWanted: (Element) -> Bool) -> Element? {
        guard let index = (0..<count).first(where: { unsafe isWanted(slot($0).pointee) }) else { return nil }
        let found = unsafe slot(index).move()
        for later in index..<(count - 1) { unsafe slot(later).initialize(to: slot(later + 1).move()) }
        count -= 1
        return found
    }

    @inline(never)
    private mutating func move(to capacity: Int) {
        let fresh = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        // In one piece, or in two where they go on at the beginning.
        let headCount = min(count, self.capacity - first)
        if let slots = unsafe slots {
            unsafe fresh.moveInitialize(from: slots + first, count: headCount)
            unsafe (fresh + headCount).moveInitialize(from: slots, count: count - headCount)
            unsafe slots.deallocate()
        }
        unsafe slots = fresh
        self.capacity = capacity
        first = 0
    }
}

extension Ring: Sendable where Element: Sendable {}

// SPDX-License-Identifier: Apache-2.0

/// A first-in, first-out queue whose memory follows its contents: doubled when it is full, reduced when an eighth is
/// used. A removed element leaves nothing behind, and removal is O(1).
///
/// It allocates its own memory rather than using an array, whose checks took 200 of an async message's 1,800
/// instructions.
@safe
struct Ring<Element>: ~Copyable {
    // `count` elements from `first` on are initialised, wrapping around at the end. The pointer never leaves this file,
    // and a ring cannot be copied, so a ring is as sendable as its elements; the pointer type itself is not sendable.
    private nonisolated(unsafe) var slots: UnsafeMutablePointer<Element>?
    private var first = 0
    private(set) var count = 0

    /// The number of elements that fit: a power of two, or 0.
    private(set) var capacity = 0

    /// An empty ring keeps memory for this number of elements.
    static var keptCapacity: Int { 64 }

    init() { unsafe slots = nil }

    deinit {
        for index in 0..<count { unsafe slot(index).deinitialize(count: 1) }
        unsafe slots?.deallocate()
    }

    var isEmpty: Bool { count == 0 }

    /// The index in memory of the element at a position of the queue; the first is at 0.
    @inline(__always)
    private func slot(_ index: Int) -> UnsafeMutablePointer<Element> {
        unsafe slots.unsafelyUnwrapped + ((first &+ index) & (capacity &- 1))
    }

    /// The element at a position of the queue; the first is at 0.
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
        if count == capacity { move(to: max(count * 2, 1)) }
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

    /// Removes the first element that satisfies a predicate, in O(n). The others keep their order.
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
        // In one piece, or in two if the elements wrap around.
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

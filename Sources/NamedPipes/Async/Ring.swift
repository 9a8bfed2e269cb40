// SPDX-License-Identifier: Apache-2.0

/// A first-in, first-out queue whose memory follows what is in it: doubled when full, halved when a quarter is used.
///
/// An element that was taken leaves nothing behind, and taking one is O(1).
struct Ring<Element> {
    // As many as a power of two, or none.
    private var slots: [Element?] = []
    private var first = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// For how many elements there is memory.
    var capacity: Int { slots.count }

    /// Memory for so many is kept when they are gone.
    static var keptCapacity: Int { 64 }

    private static var smallestCapacity: Int { 4 }

    /// The element at a place in the queue; the first is at 0.
    subscript(index: Int) -> Element {
        get {
            guard let element = slots[slot(index)] else { preconditionFailure("no element at \(index)") }
            return element
        }
        set { slots[slot(index)] = newValue }
    }

    private func slot(_ index: Int) -> Int { (first &+ index) & (slots.count &- 1) }

    mutating func append(_ element: consuming Element) {
        if count == slots.count { move(to: max(count * 2, Self.smallestCapacity)) }
        slots[slot(count)] = element
        count &+= 1
    }

    mutating func removeFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = slots[first].take()
        first = slot(1)
        count &-= 1
        if slots.count > Self.keptCapacity, count <= slots.count / 4 { move(to: slots.count / 2) }
        return element
    }

    /// Takes out the first that is as wanted, in O(n). The others keep their order.
    mutating func removeFirst(where isWanted: (Element) -> Bool) -> Element? {
        guard let index = (0..<count).first(where: { isWanted(self[$0]) }) else { return nil }
        let found = self[index]
        for later in index..<(count - 1) { self[later] = self[later + 1] }
        slots[slot(count - 1)] = nil
        count -= 1
        return found
    }

    private mutating func move(to capacity: Int) {
        var moved: [Element?] = []
        moved.reserveCapacity(capacity)
        for index in 0..<count { moved.append(slots[slot(index)].take()) }
        moved.append(contentsOf: repeatElement(nil, count: capacity - count))
        slots = moved
        first = 0
    }
}

extension Ring: Sendable where Element: Sendable {}

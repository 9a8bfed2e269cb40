// SPDX-License-Identifier: Apache-2.0

/// Objects by key. A key that was given up never identifies a later object.
///
/// A key is a slot number and the slot's generation, so a look-up is an index and a comparison: no hashing. Slots are
/// reused, last freed first; the generation is incremented each time and wraps after 2^32 uses of the same slot.
package struct SlotTable<Element: AnyObject> {
    private struct Slot {
        var generation: UInt32 = 1
        // Costs no memory: it takes the place of padding before a pointer.
        var mark: UInt32 = 0
        var element: Element?
    }

    private var slots: [Slot] = []
    private var free: [UInt32] = []

    // The upper bits of every generation, and a mask of the bits that count.
    private var generationBase: UInt32 = 0
    private var generationMask = UInt32.max

    package init() {}

    /// The number of tables whose keys can be told from each other.
    package static var distinctTableLimit: Int { 1 << (32 - countingBits) }
    private static var countingBits: UInt32 { 22 }

    /// Gives the table a number, which is part of each of its keys: the keys of tables with different numbers are never
    /// the same. In return, a key is used again after four million uses of a slot. Before the first object comes.
    package mutating func distinguishKeys(by number: Int) {
        precondition(slots.isEmpty && number < Self.distinctTableLimit, "a table gets its number before its objects")
        generationBase = UInt32(number) << Self.countingBits
        generationMask = (1 << Self.countingBits) - 1
    }

    /// How many objects the table holds.
    package var count: Int { slots.count - free.count }

    /// Retains the object and returns its key, which is never 0.
    package mutating func insert(_ element: Element) -> UInt64 {
        let index: UInt32
        if let last = free.popLast() {
            index = last
        } else {
            index = UInt32(slots.count)
            slots.append(Slot(generation: generationBase | 1))
        }
        slots[Int(index)].element = element
        return UInt64(slots[Int(index)].generation) << 32 | UInt64(index)
    }

    /// The object of the key, or nil if it was removed.
    package subscript(key: UInt64) -> Element? {
        guard let index = index(of: key) else { return nil }
        return slots[index].element
    }

    /// Replaces the object of a key. A key of no object is ignored.
    ///
    /// - Returns: the previous object, so that the caller releases it after this access to the table.
    @discardableResult
    package mutating func replace(_ key: UInt64, with element: Element) -> Element? {
        guard let index = index(of: key), let before = slots[index].element else { return nil }
        slots[index].element = element
        return before
    }

    /// Removes the object. A key of no object is ignored.
    ///
    /// - Returns: the object, so that the caller releases it after this access to the table: its deinitialiser may use
    ///   the table.
    @discardableResult
    package mutating func remove(_ key: UInt64) -> Element? {
        guard let index = index(of: key), let element = slots[index].element.take() else { return nil }
        slots[index].generation =
            generationBase | Self.generation(after: slots[index].generation & generationMask, generationMask)
        free.append(UInt32(index))
        return element
    }

    /// The element in a slot, which is the lower 32 bits of a key.
    package func element(inSlot slot: UInt32) -> Element? { slots[Int(slot)].element }

    /// A number that the owner of an element stores with it. It is meaningless once the element is removed.
    package subscript(markOfSlot slot: UInt32) -> UInt32 {
        get { slots[Int(slot)].mark }
        set { slots[Int(slot)].mark = newValue }
    }

    /// Skips 0, with which the first slot would have the key 0.
    package static func generation(after generation: UInt32, _ mask: UInt32 = .max) -> UInt32 {
        max((generation &+ 1) & mask, 1)
    }

    /// The objects, in no particular order: a copy, so that the table may change during an iteration.
    package var elements: [Element] { slots.compactMap(\.element) }

    private func index(of key: UInt64) -> Int? {
        let index = Int(truncatingIfNeeded: key & 0xFFFF_FFFF)
        guard index < slots.count, slots[index].generation == UInt32(truncatingIfNeeded: key >> 32) else { return nil }
        return index
    }
}

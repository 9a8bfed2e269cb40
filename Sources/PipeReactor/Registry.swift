// SPDX-License-Identifier: Apache-2.0

/// The objects that live on a reactor until they end by themselves: servers, clients, connections. The keys are what
/// other threads may know of them.
///
/// A class of its own around a ``SlotTable``, so that other modules call functions that were compiled for this table:
/// used from there directly, the generic table and the checks around it took 3,500 of the 9,300 instructions of a
/// connection's life.
package final class Registry {
    // Unchecked: what ends an object, and with it might come back here, does so outside of every access. The checks
    // were 450 instructions of a connection's life.
    @safe @exclusivity(unchecked) private var table = SlotTable<AnyObject>()
    @safe @exclusivity(unchecked) private var departed: [AnyObject] = []
    @safe @exclusivity(unchecked) private var isInTurn = false

    /// How many there are.
    package var count: Int { table.count }

    /// Holds an object and returns its key.
    package func insert(_ object: AnyObject) -> UInt64 { table.insert(object) }

    /// The object of the key, or nil if it was removed.
    package subscript(key: UInt64) -> AnyObject? { table[key] }

    /// The object in the slot of a key, which is its lower 32 bits.
    package func element(inSlot slot: UInt32) -> AnyObject? { table.element(inSlot: slot) }

    /// A number that the owner of an object keeps with it; see ``SlotTable``.
    package subscript(markOfSlot slot: UInt32) -> UInt32 {
        get { table[markOfSlot: slot] }
        set { table[markOfSlot: slot] = newValue }
    }

    /// Puts another object in the place of the key's.
    package func replace(_ key: UInt64, with object: AnyObject) {
        // What was there ends here, after the access to the table: its end may use the table.
        let before = table.replace(key, with: object)
        withExtendedLifetime(before) {}
    }

    /// Releases the object of the key; in a turn, at its end: a caller may be a method of an object that nothing else
    /// holds.
    package func remove(_ key: UInt64) {
        // Outside, no end may ever come; and who holds the reactor would be held by it for good.
        guard let removed = table.remove(key), isInTurn else { return }
        departed.append(removed)
    }

    /// Objects that are removed from now on are kept until the turn is over.
    func turnBegins() { isInTurn = true }

    /// The turn is over.
    func letDepartedGo() {
        isInTurn = false
        guard !departed.isEmpty else { return }
        // The end of one may remove another, which then goes at once.
        var leaving: [AnyObject] = []
        swap(&leaving, &departed)
        leaving.removeAll(keepingCapacity: true)
        swap(&leaving, &departed)
    }

    /// The objects, in no particular order: a copy, so that the table may change meanwhile.
    package var elements: [AnyObject] { table.elements }
}

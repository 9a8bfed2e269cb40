// SPDX-License-Identifier: Apache-2.0

/// The objects that live on a reactor until they end by themselves: servers, clients, connections. Other threads know
/// them by their keys only.
///
/// A separate class around a ``SlotTable``, so that other modules call functions that were compiled for this table:
/// using the generic table directly from there, with the checks around it, took 3,500 of the 9,300 instructions of a
/// connection's life.
package final class Registry {
    // Unchecked: code that ends an object, and that might call back, runs outside of every access. The checks were 450
    // instructions of a connection's life.
    @safe @exclusivity(unchecked) private var table = SlotTable<AnyObject>()
    @safe @exclusivity(unchecked) private var departed: [AnyObject] = []
    @safe @exclusivity(unchecked) private var isInTurn = false

    /// How many objects there are.
    package var count: Int { table.count }

    /// Makes the keys differ from those of registries with other numbers; see ``SlotTable``.
    package func distinguishKeys(by number: Int) { table.distinguishKeys(by: number) }

    /// Retains an object and returns its key.
    package func insert(_ object: AnyObject) -> UInt64 { table.insert(object) }

    /// The object of the key, or nil if it was removed.
    package subscript(key: UInt64) -> AnyObject? { table[key] }

    /// The object in the slot of a key, which is its lower 32 bits.
    package func element(inSlot slot: UInt32) -> AnyObject? { table.element(inSlot: slot) }

    /// A number that the owner of an object stores with it; see ``SlotTable``.
    package subscript(markOfSlot slot: UInt32) -> UInt32 {
        get { table[markOfSlot: slot] }
        set { table[markOfSlot: slot] = newValue }
    }

    /// Replaces the object of a key.
    package func replace(_ key: UInt64, with object: AnyObject) {
        // The previous object is released here, after the access to the table: its deinitialiser may use the table.
        let before = table.replace(key, with: object)
        withExtendedLifetime(before) {}
    }

    /// Releases the object of the key. During a turn, it does so at the end of the turn, because the caller may be a
    /// method of an object that nothing else retains.
    package func remove(_ key: UInt64) {
        // Outside of a turn, there may be no end of a turn ever; and an owner of the reactor would be retained by it
        // for good.
        guard let removed = table.remove(key), isInTurn else { return }
        departed.append(removed)
    }

    /// Objects that are removed from now on are retained until the turn is over.
    func turnBegins() { isInTurn = true }

    /// The turn is over: releases them.
    func letDepartedGo() {
        isInTurn = false
        guard !departed.isEmpty else { return }
        // The deinitialiser of one may remove another, which is then released at once.
        var leaving: [AnyObject] = []
        swap(&leaving, &departed)
        leaving.removeAll(keepingCapacity: true)
        swap(&leaving, &departed)
    }

    /// The objects, in no particular order: a copy, so that the table may change meanwhile.
    package var elements: [AnyObject] { table.elements }
}

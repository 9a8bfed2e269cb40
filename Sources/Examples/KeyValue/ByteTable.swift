// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// A hash table whose keys are bytes, and which is searched with bytes anywhere in memory.
///
/// A `Dictionary` would need an array of the bytes for each look-up. Here a key is copied once, when it is new. Slots
/// are valid until the next change of the table.
///
/// Open addressing with linear probing: a key is in the first free slot at or after the one of its hash, and removing
/// one lets those behind it move up. The hashes are seeded anew in each process, as the standard library's are, so that
/// a client cannot choose keys that all meet in one slot.
struct ByteTable<Value> {
    /// 0 is a free slot. The hashes are adjacent, so that a search reads little memory.
    private var hashes: [UInt32]
    private var keys: [[UInt8]]
    private var values: [Value?]

    private(set) var count = 0

    init() {
        hashes = Array(repeating: 0, count: Self.smallestSlotCount)
        keys = Array(repeating: [], count: Self.smallestSlotCount)
        values = Array(repeating: nil, count: Self.smallestSlotCount)
    }

    /// How many slots there are, used or not.
    var slotCount: Int { hashes.count }

    /// The value in a slot; nil in a free one.
    subscript(slot: Int) -> Value? { values[slot] }

    func slot(of key: Span<UInt8>) -> Int? {
        let hash = Self.hash(key)
        var slot = home(of: hash)
        while hashes[slot] != 0 {
            if hashes[slot] == hash, Self.areEqual(keys[slot], key) { return slot }
            slot = following(slot)
        }
        return nil
    }

    mutating func update(_ slot: Int, to value: Value) { values[slot] = value }

    /// Adds a key that is not in the table.
    mutating func insert(_ value: Value, for key: Span<UInt8>) {
        if (count + 1) * 4 > slotCount * 3 { grow() }
        place(Self.hash(key), [UInt8](copying: key), value)
        count += 1
    }

    mutating func remove(at removed: Int) {
        var free = removed
        var slot = following(free)
        while hashes[slot] != 0 {
            // Moves an entry that could not be found across the free slot.
            let distance = (slot - home(of: hashes[slot])) & mask
            if distance >= (slot - free) & mask {
                hashes.swapAt(free, slot)
                keys.swapAt(free, slot)
                values.swapAt(free, slot)
                free = slot
            }
            slot = following(slot)
        }
        hashes[free] = 0
        keys[free] = []
        values[free] = nil
        count -= 1
    }

    mutating func removeAll() { self = ByteTable() }

    private mutating func grow() {
        let old = self
        hashes = Array(repeating: 0, count: old.slotCount * 2)
        keys = Array(repeating: [], count: old.slotCount * 2)
        values = Array(repeating: nil, count: old.slotCount * 2)
        for slot in 0..<old.slotCount {
            if let value = old.values[slot] { place(old.hashes[slot], old.keys[slot], value) }
        }
    }

    private mutating func place(_ hash: UInt32, _ key: [UInt8], _ value: Value) {
        var slot = home(of: hash)
        while hashes[slot] != 0 { slot = following(slot) }
        hashes[slot] = hash
        keys[slot] = key
        values[slot] = value
    }

    private static var smallestSlotCount: Int { 16 }
    private var mask: Int { hashes.count - 1 }
    private func home(of hash: UInt32) -> Int { Int(hash) & mask }
    private func following(_ slot: Int) -> Int { (slot + 1) & mask }

    private static func hash(_ key: Span<UInt8>) -> UInt32 {
        var hasher = Hasher()
        unsafe key.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return UInt32(truncatingIfNeeded: hasher.finalize()) | 1 << 31
    }

    private static func areEqual(_ one: [UInt8], _ other: Span<UInt8>) -> Bool {
        guard one.count == other.count else { return false }
        return unsafe one.withUnsafeBytes { one in
            unsafe other.withUnsafeBytes { other in
                guard let start = one.baseAddress, let otherStart = other.baseAddress else { return true }
                return unsafe memcmp(start, otherStart, one.count) == 0
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import PipeReactor
import Testing

@Suite struct `A slot table` {
    private final class Item {}

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `agrees with a dictionary over random operations, and never resolves a stale key`(seed: UInt64) {
        var random = Seeded(seed)
        var table = SlotTable<Item>()
        var model: [UInt64: Item] = [:]
        var stale: [UInt64] = []
        for _ in 0..<20_000 {
            switch UInt8.random(in: 0..<10, using: &random) {
            case 0..<5:
                let item = Item()
                let key = table.insert(item)
                #expect(key != 0 && model[key] == nil)
                model[key] = item
            case 5..<9:
                guard let (key, item) = model.randomElement(using: &random) else { continue }
                #expect(table.remove(key) === item)
                model[key] = nil
                stale.append(key)
            default:
                guard let key = stale.randomElement(using: &random) else { continue }
                #expect(table[key] == nil && table.remove(key) == nil)
            }
            #expect(table.count == model.count)
        }
        for (key, item) in model { #expect(table[key] === item) }
        for key in stale { #expect(table[key] == nil) }
        #expect(Set(table.elements.map(ObjectIdentifier.init)) == Set(model.values.map(ObjectIdentifier.init)))
    }

    @Test func `rejects a key that it did not give out`() {
        var table = SlotTable<Item>()
        let key = table.insert(Item())
        for other in [0, 1, key + 1, key | 1 << 63, key + 1 << 32, UInt64.max] {
            #expect(table[other] == nil && table.remove(other) == nil)
        }
        #expect(table[key] != nil && table.count == 1)
    }

    @Test func `gives a slot a new key each time`() {
        var table = SlotTable<Item>()
        var keys: Set<UInt64> = []
        for _ in 0..<10_000 {
            let key = table.insert(Item())
            #expect(keys.insert(key).inserted)
            table.remove(key)
        }
        #expect(table.count == 0 && table.elements.isEmpty)
    }

    @Test func `skips the generation 0 when generations wrap, so that no key is 0`() {
        #expect(SlotTable<Item>.generation(after: 1) == 2)
        #expect(SlotTable<Item>.generation(after: .max) == 1)
    }

    @Test func `with a number of its own has no key of a table with another number`() {
        var tables = [SlotTable<Item>](repeating: SlotTable(), count: 3)
        tables[1].distinguishKeys(by: 0)
        tables[2].distinguishKeys(by: SlotTable<Item>.distinctTableLimit - 1)
        var keys: [Set<UInt64>] = [[], [], []]
        for index in tables.indices {
            for _ in 0..<100 {
                let (first, second) = (tables[index].insert(Item()), tables[index].insert(Item()))
                keys[index].formUnion([first, second])
                #expect(tables[index][first] != nil)
                #expect(tables[index].remove(first) != nil && tables[index][first] == nil)
            }
            #expect(keys[index].count == 200)
        }
        #expect(keys[1].isDisjoint(with: keys[2]))
        for key in keys[1] { #expect(tables[2][key] == nil) }
    }

    @Test func `with a number of its own uses a key again, rather than one of another table`() {
        let mask: UInt32 = (1 << 22) - 1
        #expect(SlotTable<Item>.generation(after: mask - 1, mask) == mask)
        #expect(SlotTable<Item>.generation(after: mask, mask) == 1)
    }

    @Test func `releases an object outside the access, so that its end may use the table`() {
        final class Owner { var table = SlotTable<Captive>() }
        let owner = Owner()
        var countAtEnd = -1
        let other = owner.table.insert(Captive())
        let key = owner.table.insert(
            Captive {
                owner.table.remove(other)
                countAtEnd = owner.table.count
            })
        owner.table.remove(key)
        #expect(countAtEnd == 0)
    }
}

// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import KeyValue

struct KeyValueTableTests {
    /// Few keys and many changes: slots are constantly shared, freed and filled again.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the table holds what a dictionary would`(seed: UInt64) {
        var random = Seeded(seed)
        var table = ByteTable<Int>()
        var expected: [String: Int] = [:]
        for step in 0..<20_000 {
            let key = "key \(Int.random(in: 0..<300, using: &random))"
            let slot = table.slot(of: key.utf8.span)
            #expect(slot.flatMap { table[$0] } == expected[key])
            if Bool.random(using: &random) {
                if let slot { table.update(slot, to: step) } else { table.insert(step, for: key.utf8.span) }
                expected[key] = step
            } else if let slot {
                table.remove(at: slot)
                expected[key] = nil
            }
        }
        #expect(table.count == expected.count)
        for (key, value) in expected { #expect(table.slot(of: key.utf8.span).flatMap { table[$0] } == value) }
    }

    @Test func `a list gives and takes at both ends`() {
        var random = Seeded(7)
        let list = ValueList()
        var expected: [[UInt8]] = []
        for step in 0..<5000 {
            let value = Array("\(step)".utf8)
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                list.prepend(value)
                expected.insert(value, at: 0)
            case 1:
                list.append(value)
                expected.append(value)
            case 2: #expect(list.popFirst() == (expected.isEmpty ? nil : expected.removeFirst()))
            default: #expect(list.popLast() == expected.popLast())
            }
            #expect((0..<list.count).map { list[$0] } == expected)
        }
    }

    @Test func `an expired entry goes without being asked for`() {
        var database = Database()
        for number in 0..<1000 {
            #expect(database.execute("set key\(number) value px 1\r\n".utf8.span) == .goesOn)
        }
        #expect(database.execute("set lasting value\r\n".utf8.span) == .goesOn)
        let clock = ContinuousClock()
        let start = clock.now
        while database.items.count > 1, clock.now - start < .seconds(20) { database.removeSomeExpired(slotCount: 100) }
        #expect(database.items.count == 1)
        #expect(database.slot(of: "lasting".utf8.span) != nil)
    }
}

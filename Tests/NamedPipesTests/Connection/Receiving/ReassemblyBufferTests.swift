// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A reassembly buffer` {
    /// Notes the capacities that are to be paid for, and refuses to pay.
    private final class Miser {
        var prices: [Int] = []

        func pay(_ price: Int) -> Bool {
            prices.append(price)
            return false
        }
    }

    private func bytes(of buffer: ReassemblyBuffer) -> [UInt8] { buffer.memory.withBytes { Array(lent: $0) } }

    private func spare(_ capacity: Int, in pool: LargeBufferPool) {
        var bytes = FrameBuffer()
        bytes.reserveCapacity(capacity)
        pool.recycle(bytes)
    }

    @Test func `that is not paid for stays as it is, and the memory that it would get stays in the pool`() throws {
        let reactor = try Reactor()
        defer { withExtendedLifetime(reactor) {} }
        let pool = LargeBufferPool(reactor)
        let buffer = ReassemblyBuffer(pool)
        let content = letters(10_000)
        buffer.append(content.span)
        buffer.frameByteCount = 200_000
        let miser = Miser()
        #expect(!buffer.makeRoom(for: 100_000, atMost: .max, paying: miser.pay))
        #expect(miser.prices == [128 << 10])
        spare(300_000, in: pool)
        #expect(!buffer.makeRoom(for: 100_000, atMost: .max, paying: miser.pay))
        buffer.moveToLargeMemory(atMost: .max, paying: miser.pay)
        #expect(miser.prices == [128 << 10, 300_000, 300_000] && pool.byteCount == 300_000)
        #expect(buffer.memory.bytes.capacity == 10_000 && bytes(of: buffer) == content)
        // Memory that is there is to be paid for as well.
        buffer.removeFirst(5_000)
        #expect(!buffer.makeRoom(for: 5_000, atMost: .max, paying: miser.pay))
        #expect(miser.prices.last == 10_000 && buffer.memory.bytes.room == 0)
    }

    @Test func `has the capacity that was paid for`() throws {
        let reactor = try Reactor()
        defer { withExtendedLifetime(reactor) {} }
        let pool = LargeBufferPool(reactor)
        let buffer = ReassemblyBuffer(pool)
        let content = letters(10_000)
        buffer.append(content.span)
        spare(300_000, in: pool)
        for (count, limit, capacity) in [
            (5000, 12_000, 15_000), (10_000, 50_000, 50_000), (100_000, .max, 300_000), (400_000, .max, 448 << 10),
        ] {
            var paid = 0
            let hasRoom = buffer.makeRoom(for: count, atMost: limit) {
                paid = $0
                return true
            }
            #expect(hasRoom && paid == capacity && buffer.memory.bytes.capacity == capacity)
            #expect(buffer.memory.bytes.room >= count && bytes(of: buffer) == content)
        }
    }
}

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
        buffer.append(content.span, atMost: .max) { _ in true }
        buffer.frameByteCount = 200_000
        let miser = Miser()
        #expect(!buffer.makeRoom(for: 100_000, atMost: .max, paying: miser.pay))
        #expect(miser.prices == [128 << 10])
        spare(300_000, in: pool)
        #expect(!buffer.makeRoom(for: 100_000, atMost: .max, paying: miser.pay))
        buffer.moveToLargeMemory(atMost: .max, paying: miser.pay)
        // For the whole frame, for what is to be read next, and for the whole frame.
        #expect(miser.prices == [128 << 10, 300_000, 300_000, 300_000] && pool.byteCount == 300_000)
        #expect(buffer.memory.bytes.capacity == 10_000 && bytes(of: buffer) == content)
        // Memory that is there is to be paid for as well.
        buffer.removeFirst(5_000)
        #expect(!buffer.makeRoom(for: 5_000, atMost: .max, paying: miser.pay))
        #expect(miser.prices.last == 10_000 && buffer.memory.bytes.room == 0)
    }

    @Test func `holds what was read elsewhere in spare memory of about that size, if it is paid for`() throws {
        let reactor = try Reactor()
        defer { withExtendedLifetime(reactor) {} }
        let pool = LargeBufferPool(reactor)
        let content = letters(100_000)
        let capacities = [99_999, 100_000, 128 << 10, (128 << 10) + 1]
        for capacity in capacities { spare(capacity, in: pool) }
        let all = pool.byteCount
        let miser = Miser()
        let (unpaid, paid) = (ReassemblyBuffer(pool), [ReassemblyBuffer(pool), ReassemblyBuffer(pool)])
        unpaid.append(content.span, atMost: .max, paying: miser.pay)
        #expect(miser.prices == [100_000] && pool.byteCount == all)
        for (buffer, capacity) in zip(paid, [100_000, 128 << 10]) {
            buffer.append(content.span, atMost: .max) { $0 == capacity }
            #expect(buffer.memory.bytes.capacity == capacity)
        }
        // None of the others is of about that size, or within the limit.
        unpaid.append(content.span, atMost: .max, paying: miser.pay)
        let limited = ReassemblyBuffer(pool)
        limited.append(content.span, atMost: 100_000) { _ in true }
        #expect(limited.memory.bytes.capacity == 100_000)
        #expect(miser.prices == [100_000] && pool.byteCount == all - 100_000 - 128 << 10)
        #expect(unpaid.memory.bytes.capacity == 200_000 && bytes(of: unpaid) == content + content)
        withExtendedLifetime(paid) {}
    }

    @Test func `leaves memory that has other owners, and keeps no more than that for the rest`() throws {
        let reactor = try Reactor()
        defer { withExtendedLifetime(reactor) {} }
        let content = letters(100_000)
        for (spareCapacity, capacity) in [(90_000, 90_000), (100_001, 70_000)] {
            let pool = LargeBufferPool(reactor)
            let buffer = ReassemblyBuffer(pool)
            buffer.append(content.span, atMost: .max) { _ in true }
            let owner = buffer.memory
            spare(spareCapacity, in: pool)
            buffer.removeFirst(30_000)
            #expect(buffer.memory !== owner && owner.withBytes { Array(lent: $0) } == content)
            #expect(buffer.memory.bytes.capacity == capacity && bytes(of: buffer) == Array(content[30_000...]))
        }
    }

    @Test func `grows to a spare memory for the whole frame, if there is one`() throws {
        let reactor = try Reactor()
        defer { withExtendedLifetime(reactor) {} }
        for (limit, capacity) in [(Int.max, 300_000), (250_000, 150_000)] {
            let pool = LargeBufferPool(reactor)
            let buffer = ReassemblyBuffer(pool)
            buffer.append(letters(10_000).span, atMost: .max) { _ in true }
            buffer.frameByteCount = 200_000
            spare(300_000, in: pool)
            spare(150_000, in: pool)
            #expect(buffer.makeRoom(for: 100_000, atMost: limit) { _ in true })
            #expect(buffer.memory.bytes.capacity == capacity)
        }
    }

    @Test func `has the capacity that was paid for`() throws {
        let reactor = try Reactor()
        defer { withExtendedLifetime(reactor) {} }
        let pool = LargeBufferPool(reactor)
        let buffer = ReassemblyBuffer(pool)
        let content = letters(10_000)
        buffer.append(content.span, atMost: .max) { _ in true }
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

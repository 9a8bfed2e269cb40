// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `The pool of large buffers` {
    private func give(_ capacity: Int, to pool: LargeBufferPool) {
        var bytes = FrameBuffer()
        bytes.reserveCapacity(capacity)
        bytes.append(7)
        pool.recycle(bytes)
    }

    private func capacity(of bytes: consuming FrameBuffer?) -> Int? { bytes?.capacity }

    @Test func `gives the smallest that fits, empty, and none that is much too large`() throws {
        let reactor = try Reactor()
        defer { withExtendedLifetime(reactor) {} }
        let pool = LargeBufferPool(reactor)
        #expect(capacity(of: pool.take(atLeast: 1)) == nil)
        for capacity in [1 << 20, 100_000, 400_000, 200_000] { give(capacity, to: pool) }
        #expect(capacity(of: pool.take(atLeast: 150_000)) == 200_000)
        #expect(capacity(of: pool.take(atLeast: 150_000)) == 400_000)
        // Four times the requested size is the most.
        #expect(capacity(of: pool.take(atLeast: 150_000)) == nil)
        #expect(capacity(of: pool.take(atLeast: (1 << 20) + 1)) == nil)
        var bytes = FrameBuffer()
        if let found = pool.take(atLeast: 1 << 18) { bytes = found }
        #expect(bytes.byteCount == 0 && bytes.capacity == 1 << 20)
        #expect(capacity(of: pool.take(atLeast: 1)) == 100_000)
        #expect(capacity(of: pool.take(atLeast: 1)) == nil && pool.byteCount == 0)
    }

    @Test func `keeps no small ones, and of the others the most recently used, no more than 32 MiB`() throws {
        let reactor = try Reactor()
        defer { withExtendedLifetime(reactor) {} }
        let pool = LargeBufferPool(reactor)
        give(LargeBufferPool.smallestByteCount - 1, to: pool)
        #expect(pool.byteCount == 0)
        give(LargeBufferPool.smallestByteCount, to: pool)
        #expect(pool.byteCount == 32 << 10)
        for _ in 0..<20 { give(3 << 20, to: pool) }
        #expect(pool.byteCount == 30 << 20)
        #expect(capacity(of: pool.take(atLeast: 1)) == nil)
        give(40 << 20, to: pool)
        #expect(pool.byteCount == 30 << 20)
        for _ in 0..<4 { give(1 << 20, to: pool) }
        #expect(pool.byteCount == (27 << 20) + (4 << 20))
        for _ in 0..<4 { #expect(capacity(of: pool.take(atLeast: 1 << 20)) == 1 << 20) }
        #expect(capacity(of: pool.take(atLeast: 1 << 20)) == 3 << 20)
        #expect(pool.byteCount == 24 << 20)
    }

    @Test func `frees the ones that were not used for a time, and no others`() throws {
        let reactor = try Reactor()
        let pool = LargeBufferPool(reactor, keptTime: .milliseconds(20))
        give(1 << 20, to: pool)
        give(100_000, to: pool)
        let start = SuspendingClock.now
        var rounds = 0
        let ticks = reactor.schedule(after: .zero, repeating: .milliseconds(2)) {
            guard let bytes = pool.take(atLeast: 100_000) else { return }
            rounds += 1
            pool.recycle(bytes)
        }
        #expect(reactor.run(timeout: Loop.patience) { pool.byteCount < 1 << 20 })
        #expect(SuspendingClock.now - start >= .milliseconds(20))
        #expect(reactor.run(timeout: Loop.patience) { SuspendingClock.now - start > .milliseconds(100) })
        #expect(pool.byteCount == 100_000 && rounds > 5)
        ticks.cancel()
        #expect(reactor.run(timeout: Loop.patience) { pool.byteCount == 0 })
    }

    @Test func `takes no buffers back on a stopped reactor, and ends with it`() throws {
        weak var seen: LargeBufferPool?
        try withLoop { loop in
            let raw = try RawClient(loop)
            let pool = try raw.accepted.endpoint.buffers.pool
            seen = pool
            var held: SharedBuffer? = SharedBuffer(large(), pool: pool)
            try #require(held?.bytes.capacity == 1 << 20)
            loop.reactor.stop()
            loop.reactor.run()
            held = nil
            give(1 << 20, to: pool)
            #expect(pool.byteCount == 0)
        }
        #expect(seen == nil)
    }

    private func large() -> FrameBuffer {
        var bytes = FrameBuffer()
        bytes.reserveCapacity(1 << 20)
        return bytes
    }

    /// Every buffer that is allocated beside the pool ends up in it.
    @Test func `has everything that an echo of 4 MiB needs, once it has begun`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.keepsMessages = false
            raw.recorder.whenLent = { connection, message in _ = try? connection.send(message) }
            let pool = try raw.accepted.endpoint.buffers.pool
            let stream = frame(pattern(4 << 20))
            var counts: [Int] = []
            for round in 1...8 {
                let isBack = { raw.peer.received.count == round * stream.count }
                try #require(raw.peer.exchange(stream, until: isBack, pieces: 100_000...300_000, loop))
                try #require(loop.run { pool.byteCount > 0 })
                counts.append(pool.byteCount)
            }
            #expect(counts.allSatisfy { $0 == counts[0] })
            #expect(Array(raw.peer.received.suffix(stream.count)) == stream)
        }
    }
}

@Suite struct `The memory of an unfinished frame` {
    /// Fills the pool as a large message does that was delivered.
    private func fillPool(_ loop: Loop, _ raw: RawClient, byteCount: Int) throws {
        raw.recorder.keepsMessages = false
        let message = frame(pattern(byteCount))
        try #require(
            raw.peer.exchange(message, until: { raw.recorder.messageCount == 1 }, pieces: 200_000...300_000, loop))
    }

    private func capacity(_ recorder: Recorder) -> Int {
        recorder.connections.reduce(0) { $0 + ($1.reassembly?.memory.bytes.capacity ?? 0) }
    }

    @Test(arguments: [0, 5 << 20, 12 << 20]) func `is no more than the pool had and 64 KiB, whatever its header claims`(
        byteCount: Int
    ) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            if byteCount > 0 { try fillPool(loop, raw, byteCount: byteCount) }
            let pool = try raw.accepted.endpoint.buffers.pool
            let before = pool.byteCount
            var peers: [RawPeer] = []
            for number in 1...5 {
                let peer = try RawPeer(connectingTo: loop.address)
                peers.append(peer)
                try #require(loop.run { raw.recorder.openCount == number + 1 })
                for bytes: [UInt8] in [[0x01, 0, 0, 0], [1], [1]] {
                    peer.writeAll(bytes)
                    loop.settle()
                }
                #expect(capacity(raw.recorder) + pool.byteCount <= before + number * 66 << 10)
            }
        }
    }
}

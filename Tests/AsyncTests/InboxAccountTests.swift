// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Messages that wait for async code` {
    private final class Held: Sendable {
        private let most = Mutex(0)
        func note(_ count: Int) { most.withLock { $0 = max($0, count) } }
        var value: Int { most.withLock { $0 } }
    }

    /// With eight messages always on their way, the inbox is never empty. Both ends are on one reactor, so a message
    /// arrives a few turns after it was sent, however slow the machine is.
    @Test(arguments: [100, 1000, 24_000, 30_000], Place.allCases)
    func `79 · are charged for while they wait, and no longer`(size: Int, place: Place) async throws {
        let window = 8
        // Many times the bytes that may be held at a time.
        let count = 50 * window
        var configuration = PipeServer.Configuration()
        configuration.byteBudget = max(25 * window * size, 1 << 20)
        let held = Held()
        let thread = try ReactorThread { _ in }
        defer {
            thread.stop()
            thread.join()
        }
        let (reasons, _) = try await Serving.run(configuration, on: thread.executor) { connection in
            try await Task(executorPreference: place.executor(for: connection)) {
                var taken = 0
                while taken < count {
                    // A message is taken when as many as possible are there.
                    let wanted = min(taken + window, count)
                    while await connection.withConnection({ $0.endpoint.traffic.receivedMessageCount }) < wanted {
                        try Task.checkCancellation()
                        await connection.executor.turn()
                    }
                    held.note(await connection.withConnection { $0.server?.statistics.heldByteCount ?? 0 })
                    guard try await connection.nextMessage() != nil else { break }
                    taken += 1
                    try await connection.send("")
                }
            }.value
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address, on: thread.executor) { connection in
                let message = [UInt8](repeating: 7, count: size)
                for _ in 0..<window { try await connection.send(message) }
                for _ in window..<count {
                    _ = try await connection.nextMessage()
                    try await connection.send(message)
                }
                return try await connection.waitForEnd()
            }
        }
        #expect(reasons == .closedByPeer)
        // The window, and what a read brought of the next one, in pieces of memory of which a part may be taken.
        #expect(held.value <= 4 * window * (size + 32) + (8 << 10), "\(held.value)")
        #expect(held.value >= window * size / 2)
    }

    @Test func `79 · are released when they are taken`() {
        var queue = MessageQueue()
        weak var memory: SharedBuffer?
        for number in 0..<1000 {
            let message = PipeMessage(copying: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 10))
            if number == 0 { memory = unsafe message.memory.owner }
            queue.hold(10, until: queue.append(message))
        }
        #expect(memory != nil)
        #expect(queue.takeFirst()?.byteCount == 10)
        #expect(memory == nil)
        #expect(queue.memoryByteCount >= 999 * 10)
    }

    @Test func `79 · have a list that shrinks with them`() {
        var ring = Ring<Int>()
        for number in 0..<10_000 { ring.append(number) }
        #expect(ring.capacity == 16_384)
        for number in 0..<9_990 {
            #expect(ring.removeFirst() == number)
            #expect(ring.capacity <= max(Ring<Int>.keptCapacity, ring.count * 8))
        }
        ring.append(-1)
        #expect(ring.removeFirst { $0 == 9_995 } == 9_995)
        #expect(ring.removeFirst { $0 == 1 } == nil)
        var rest: [Int] = []
        while let next = ring.removeFirst() { rest.append(next) }
        #expect(rest == [9_990, 9_991, 9_992, 9_993, 9_994, 9_996, 9_997, 9_998, 9_999, -1])
    }

    /// Memory that several messages share is released with the last of them.
    @Test func `79 · are charged for by the memory that they hold`() {
        var queue = MessageQueue()
        let message = PipeMessage(copying: [1, 2, 3])
        let first = queue.append(message)
        queue.hold(100, until: first)
        let second = queue.append(message)
        queue.keep(100, from: first, until: second)
        queue.hold(50)
        #expect(queue.memoryByteCount == 150)
        _ = queue.takeFirst()
        #expect(queue.memoryByteCount == 150)
        // The last message of this memory is gone.
        queue.letGo(of: 50, with: first)
        #expect(queue.memoryByteCount == 100)
        _ = queue.takeFirst()
        #expect(queue.memoryByteCount == 0)
        #expect(queue.byteCount == 0)
    }
}

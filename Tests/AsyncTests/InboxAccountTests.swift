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

    /// How many messages are always on their way, so that the inbox is never empty for long.
    private static let window = 8

    /// Many times the messages that may be held at a time.
    private static let count = 50 * window

    /// Sends messages to a connection that a task handles, one more for each answer. Both ends are on one reactor, so a
    /// message arrives a few turns after it was sent, however slow the machine is.
    ///
    /// - Returns: the reason of the end.
    private func exchange(
        of size: Int, at place: Place, _ handle: @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async throws -> DisconnectReason {
        var configuration = PipeServer.Configuration()
        configuration.byteBudget = max(25 * Self.window * size, 1 << 20)
        let thread = try ReactorThread { _ in }
        defer {
            thread.stop()
            thread.join()
        }
        let (reason, _) = try await Serving.run(configuration, on: thread.executor) { connection in
            try await Task(executorPreference: place.executor(for: connection)) { try await handle(connection) }.value
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address, on: thread.executor) { connection in
                let message = [UInt8](repeating: 7, count: size)
                for _ in 0..<Self.window { try await connection.send(message) }
                for _ in Self.window..<Self.count {
                    _ = try await connection.nextMessage()
                    try await connection.send(message)
                }
                return try await connection.waitForEnd()
            }
        }
        return reason
    }

    private static func waitForArrival(of count: Int, on connection: AsyncPipeConnection) async throws {
        while await connection.withConnection({ $0.endpoint.traffic.receivedMessageCount }) < count {
            try Task.checkCancellation()
            await connection.executor.turn()
        }
    }

    private static func heldByteCount(of connection: AsyncPipeConnection) async -> Int {
        await connection.withConnection { $0.server?.statistics.heldByteCount ?? 0 }
    }

    @Test(arguments: [100, 1000, 24_000, 30_000], Place.allCases)
    func `79 · are charged for while they wait, and no longer`(size: Int, place: Place) async throws {
        let held = Held()
        let reason = try await exchange(of: size, at: place) { connection in
            var taken = 0
            while taken < Self.count {
                // A message is taken when as many as possible are there.
                try await Self.waitForArrival(of: min(taken + Self.window, Self.count), on: connection)
                held.note(await Self.heldByteCount(of: connection))
                guard try await connection.nextMessage() != nil else { break }
                taken += 1
                try await connection.send("")
            }
        }
        #expect(reason == .closedByPeer)
        // The window, and what a read brought of the next one, in pieces of memory of which a part may be taken.
        #expect(held.value <= 4 * Self.window * (size + 32) + (8 << 10), "\(held.value)")
        #expect(held.value >= Self.window * size / 2)
    }

    /// The same by batches: all that have arrived are taken at a time, and answered.
    @Test(arguments: [100, 24_000, 30_000], Place.allCases)
    func `79 · are charged for until their batch is taken`(size: Int, place: Place) async throws {
        let (held, left) = (Held(), Held())
        let reason = try await exchange(of: size, at: place) { connection in
            var taken = 0
            while taken < Self.count {
                try await Self.waitForArrival(of: taken + Self.window, on: connection)
                held.note(await Self.heldByteCount(of: connection))
                var batch = 0
                guard try await connection.nextBatch({ _ in batch += 1 }) else { break }
                left.note(await Self.heldByteCount(of: connection))
                taken += batch
                for _ in 0..<batch { try await connection.send("") }
            }
        }
        #expect(reason == .closedByPeer)
        #expect(held.value <= 4 * Self.window * (size + 32) + (8 << 10), "\(held.value)")
        #expect(held.value >= Self.window * size / 2)
        // Elsewhere, the reactor learns of what was taken a turn later, as far as it is worth telling.
        if place == .reactor { #expect(left.value == 0) }
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

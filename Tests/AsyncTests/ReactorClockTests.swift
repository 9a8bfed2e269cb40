// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite struct `A reactor's clock` {
    /// Runs a function in a task that prefers a reactor of its own.
    static func onReactor<Result: Sendable>(
        _ body: @escaping @Sendable (ReactorExecutor) async throws -> Result
    ) async throws -> Result {
        let thread = try ReactorThread(name: "clock") { _ in }
        defer {
            thread.stop()
            thread.join()
        }
        let executor = thread.executor
        return try await Task(executorPreference: executor) { try await body(executor) }.value
    }

    @Test func `sleeps as long as it should, and goes on on the reactor's thread`() async throws {
        try await Self.onReactor { executor in
            for milliseconds in [0, 1, 30] {
                let start = SuspendingClock.now
                try await Task.sleep(for: .milliseconds(milliseconds), clock: executor.clock)  // what is tested
                #expect(SuspendingClock.now - start >= .milliseconds(milliseconds))
                #expect(executor.isCurrent)
            }
            try await Task.sleep(until: executor.clock.now - .seconds(1), clock: executor.clock)  // what is tested
        }
    }

    /// In virtual time: in real time, a machine that stalls between two calls changes the order of the deadlines.
    @Test func `wakes many in the order of their deadlines`() throws {
        let loop = try Loop(in: VirtualTime())
        let executor = loop.reactor.executor
        let order = Order()
        for number in [3, 1, 2] {
            Task(executorPreference: executor) {
                try await Task.sleep(for: .milliseconds(number * 40), clock: executor.clock)  // what is tested
                order.note(number)
            }
        }
        #expect(loop.reactor.advance(by: .milliseconds(119)))
        #expect(order.numbers == [1, 2])
        #expect(loop.reactor.advance(by: .milliseconds(1)))
        #expect(order.numbers == [1, 2, 3])
        #expect(loop.end().isEmpty)
    }

    private final class Order: Sendable {
        private let list = Mutex<[Int]>([])

        func note(_ number: Int) { list.withLock { $0.append(number) } }
        var numbers: [Int] { list.withLock { $0 } }
    }

    @Test(.timeLimit(.minutes(5)), arguments: [true, false])
    func `lets a cancelled task go on at once`(isAsleep: Bool) async throws {
        try await Self.onReactor { executor in
            let sleeper = Task(executorPreference: executor) {
                try await Task.sleep(for: .seconds(10_000), clock: executor.clock)  // what is tested
            }
            // One yield is a turn of the loop for the task, which then sleeps.
            if isAsleep { for _ in 0..<10 { await Task.yield() } }
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
        }
    }

    @Test func `serves tasks elsewhere as well`() async throws {
        let thread = try ReactorThread(name: "clock") { _ in }
        let start = SuspendingClock.now
        try await Task.sleep(for: .milliseconds(10), clock: thread.executor.clock)  // what is tested
        #expect(SuspendingClock.now - start >= .milliseconds(10))
        thread.stop()
        thread.join()
    }

    /// The thread of a reactor ends only when nothing is left to do on it, and its timers keep alive what waits for
    /// them.
    @Test func `leaves nothing behind of a sleep that was cancelled`() async throws {
        let markers = WeakMarker()
        try await Self.onReactor { executor in
            let marker = Marker()
            markers.hold(marker)
            let sleeper = Task(executorPreference: executor) {
                defer { withExtendedLifetime(marker) {} }
                try await Task.sleep(for: .seconds(10_000), clock: executor.clock)  // what is tested
            }
            for _ in 0..<10 { await Task.yield() }
            sleeper.cancel()
            _ = await sleeper.result
        }
        #expect(markers.isGone)
    }

    private final class Marker: Sendable {}

    private final class WeakMarker: Sendable {
        private let marker = Mutex<Weak>(Weak())

        func hold(_ marker: Marker) { self.marker.withLock { $0.value = marker } }
        var isGone: Bool { marker.withLock { $0.value == nil } }
    }

    private struct Weak: Sendable { weak var value: Marker? }
}

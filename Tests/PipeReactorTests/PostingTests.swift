// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Synchronization
import Testing

@Suite struct `Posting work` {
    @Test func `from eight threads runs all of it exactly once, in each thread's order`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        let ledger = Ledger()
        let done = Counter()
        let workers = (0..<8).map { sender in
            Worker {
                for number in 0..<10_000 {
                    executor.post { reactor in
                        precondition(reactor.executor.isCurrent)
                        ledger.received.withLock { $0[sender].append(number) }
                        done.count()
                    }
                }
            }
        }
        reactor.runBounded { done.value == 80_000 }
        for worker in workers { worker.finish() }
        reactor.runTurns(3)
        #expect(done.value == 80_000)
        for numbers in ledger.received.withLock({ $0 }) { #expect(numbers == Array(0..<10_000)) }
    }

    @Test func `wakes the reactor once for everything that waits`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        for _ in 0..<3 {
            let done = Counter()
            Worker { for _ in 0..<10_000 { executor.post { _ in done.count() } } }.finish()
            #expect(takeSignalCount(executor.wakeUpDescriptor) == 1)
            reactor.runBounded { done.value == 10_000 }
        }
    }

    @Test func `from the reactor's own thread needs no wake-up`() throws {
        let reactor = try Reactor()
        let done = Counter()
        reactor.executor.post { _ in done.count() }
        #expect(takeSignalCount(reactor.executor.wakeUpDescriptor) == 0)
        reactor.schedule(after: .zero) {
            reactor.executor.post { _ in done.count() }
            #expect(takeSignalCount(reactor.executor.wakeUpDescriptor) == 0)
        }
        reactor.runBounded { done.value == 2 }
    }

    @Test func `wakes a reactor that waits, every time`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        let running = Worker { reactor.run() }
        for round in 0..<2_000 {
            // Now and then the reactor is certainly asleep, otherwise it is about to be.
            if round % 100 == 0 { #expect(eventually { running.isAsleep }) }
            let answer = Counter()
            executor.post { _ in answer.count() }
            let came = eventually { answer.value == 1 }
            #expect(came)
            if !came { break }
        }
        executor.stop()
        running.finish()
    }

    @Test func `more than fits into a turn leaves the rest, in order, to the next turns`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        let numbers = Numbers()
        let total = 5 * ReactorExecutor.mailPerTurn + 3
        Worker { for number in 0..<total { executor.post { _ in numbers.list.withLock { $0.append(number) } } } }
            .finish()
        var (before, worst, turns) = (0, 0, 0)
        reactor.runBounded {
            let count = numbers.list.withLock { $0.count }
            worst = max(worst, count - before)
            turns += count > before ? 1 : 0
            before = count
            return count == total
        }
        #expect(numbers.list.withLock { $0 } == Array(0..<total))
        #expect(worst == ReactorExecutor.mailPerTurn && turns == 6)
    }

    @Test func `faster than the loop works delays no timer and no descriptor`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        let done = Counter()
        // Each function posts two more, up to a number that no run reaches.
        @Sendable func flood(_ executor: ReactorExecutor) {
            executor.post { _ in
                done.count()
                guard done.value < 1_000_000 else { return }
                flood(executor)
                flood(executor)
            }
        }
        flood(executor)
        var ticks: [Int] = []
        let timer = reactor.schedule(after: .zero, repeating: .milliseconds(1)) { ticks.append(done.value) }
        reactor.runBounded { ticks.count == 20 }
        timer.cancel()
        #expect(done.value < 1_000_000)
        reactor.stop()
    }

    @Test func `is done before a stopped loop ends, however much of it waits`() throws {
        let reactor = try Reactor()
        let done = Counter()
        let total = 100 * ReactorExecutor.mailPerTurn
        for _ in 0..<total { reactor.executor.post { _ in done.count() } }
        reactor.stop()
        reactor.runToStop()
        #expect(done.value == total)
    }

    @Test func `from posted work runs in a later turn`() throws {
        let reactor = try Reactor()
        let log = Log()
        reactor.executor.post {
            $0.executor.post { _ in log.add("later") }
            log.add("first")
        }
        reactor.executor.post { _ in log.add("second") }
        reactor.runBounded { log.entries.count == 3 }
        #expect(log.entries == ["first", "second", "later"])
    }

    @Test func `that posts again for ever does not starve events and timers`() throws {
        let reactor = try Reactor()
        let rounds = Counter()
        @Sendable func forever(_ reactor: Reactor) {
            rounds.count()
            reactor.executor.post(forever)
        }
        reactor.executor.post(forever)
        let pair = Pair.pipe()
        var isReadable = false
        var isDue = false
        let watch = try reactor.watch(pair.near.rawValue, for: .reading) { isReadable = true }
        reactor.schedule(after: .milliseconds(2)) { isDue = true }
        put(pair.far.rawValue)
        reactor.runBounded { isReadable && isDue }
        watch.cancel()
    }

    @Test func `is not starved by a descriptor that is always ready`() throws {
        let reactor = try Reactor()
        let pair = Pair.pipe()
        put(pair.far.rawValue)
        var calls = 0
        var watch: DescriptorWatch?
        watch = try reactor.watch(pair.near.rawValue, for: .reading) {
            calls += 1
            if calls == 1000 { watch?.cancel() }
        }
        let done = Counter()
        reactor.executor.post { $0.executor.post { $0.executor.post { _ in done.count() } } }
        reactor.runBounded { done.value == 1 }
        #expect(calls <= 3)
        watch?.cancel()
    }

    @Test func `is not starved by other work at the ends of turns, nor starves it`() throws {
        let reactor = try Reactor()
        let done = Counter()
        reactor.executor.post { $0.executor.post { _ in done.count() } }
        reactor.runTurns(3)
        #expect(done.value == 1)
    }

    @Test func `to a reactor that is gone is refused`() throws {
        var reactor: Reactor? = try Reactor()
        let executor = try #require(reactor).executor
        #expect(executor.post { _ in Issue.record("the reactor never ran") })
        reactor = nil
        #expect(!executor.post { _ in Issue.record("the reactor is gone") })
        executor.stop()
        #expect(executor.lostJobCount == 0)
    }

    @Test func `that never runs ends with the reactor, and its end may post again`() throws {
        var reactor: Reactor? = try Reactor()
        let executor = try #require(reactor).executor
        let ends = Counter()
        for _ in 0..<3 {
            executor.post { [last = LastWords { if !executor.post({ _ in }) { ends.count() } }] _ in last.touch() }
        }
        reactor = nil
        #expect(ends.value == 3)
    }

    @Test func `releases each function after it has run`() throws {
        let reactor = try Reactor()
        let ends = Counter()
        reactor.executor.post { [last = LastWords { ends.count() }] _ in last.touch() }
        reactor.runTurns(2)
        #expect(ends.value == 1)
    }
}

private final class Ledger: Sendable {
    let received = Mutex([[Int]](repeating: [], count: 8))
}

/// A captured object that crosses threads, to see when it is released.
private final class LastWords: Sendable {
    private let words: @Sendable () -> Void
    init(_ words: @escaping @Sendable () -> Void) { self.words = words }
    func touch() {}
    deinit { words() }
}

private final class Numbers: Sendable {
    let list = Mutex<[Int]>([])
}

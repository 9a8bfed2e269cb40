// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import PipeTestSupport
import Testing

/// Ten times as long as any wait of these tests: what happens before the end of such a poll has happened in it.
private let endless = patience * 10

/// A reactor that polls for longer than a test takes, by default: what works here works without sleeping.
private func pollingReactor(for time: Duration = endless) throws -> Reactor {
    try Reactor(configuration: polling(for: time))
}

private func polling(for time: Duration) -> Reactor.Configuration {
    var configuration = Reactor.Configuration()
    configuration.busyPollingTime = time
    return configuration
}

@Suite struct `A reactor that polls` {
    @Test func `sleeps when nothing happens`() throws {
        let reactor = try pollingReactor(for: .milliseconds(5))
        let before = threadTime()
        reactor.run(timeout: .milliseconds(400)) { false }
        #expect(threadTime() - before < .milliseconds(100))
    }

    @Test func `does not poll for events that polling does not find`() throws {
        let reactor = try pollingReactor(for: .milliseconds(8))
        var ticks = 0
        // Each is set by the one before, so that it is too far away for a poll even if the machine is late.
        func setNext() {
            reactor.schedule(after: .milliseconds(20)) {
                ticks += 1
                if ticks < 20 { setNext() }
            }
        }
        setNext()
        let before = threadTime()
        reactor.runBounded { ticks == 20 }
        // Polling in each wait would be 160 ms; with the distance doubled each time, it is 5 times 8. A poll ends by
        // the clock, so on a busy machine the thread gets less of it, never more.
        #expect(threadTime() - before < .milliseconds(100))
    }

    @Test func `fires timers in time, and none before`() throws {
        let reactor = try pollingReactor()
        let start = SuspendingClock.now
        var fired: [Int] = []
        for delay in [30, 0, 10, 20] {
            reactor.schedule(after: .milliseconds(delay)) {
                #expect(SuspendingClock.now - start >= .milliseconds(delay))
                fired.append(delay)
            }
        }
        reactor.runBounded { fired.count == 4 }
        #expect(fired == [0, 10, 20, 30])
        #expect(SuspendingClock.now - start < endless)
    }

    @Test(.disabled(if: isSanitized, "the sanitizer's runtime sleeps itself"))
    func `hears of descriptors without going to sleep`() throws {
        var sleepCount = 0
        // A reactor's first wait is always a poll. A later one need not be: a poll that has lost the CPU counts as one
        // in vain, and on a busy machine most do.
        for _ in 0..<100 {
            let reactor = try pollingReactor()
            let pair = Pair.pipe()
            var calls = 0
            let watch = try reactor.watch(pair.near.rawValue, for: .reading) { [near = pair.near.rawValue] in
                calls += take(near, atMost: 1)
            }
            let isWaiting = Counter()
            let writer = Worker { [far = duplicate(pair.far.rawValue)] in
                _ = eventually { isWaiting.value > 0 }
                // Long enough for the reactor to fall asleep, if it were to.
                holdLoop(for: .milliseconds(1))
                put(far.rawValue)
            }
            let before = threadSleepCount()
            reactor.runBounded {
                isWaiting.count()
                return calls == 1
            }
            sleepCount += threadSleepCount() - before
            writer.finish()
            watch.cancel()
        }
        #expect(sleepCount < 20)
    }

    @Test func `takes work that other threads post`() throws {
        let reactor = try pollingReactor()
        let executor = reactor.executor
        let running = Worker { reactor.run() }
        for _ in 0..<1000 {
            let answer = Counter()
            executor.post { _ in answer.count() }
            let came = eventually { answer.value == 1 }
            #expect(came)
            if !came { break }
        }
        executor.stop()
        running.finish()
    }

    @Test func `stops at once, also from another thread`() throws {
        let start = SuspendingClock.now
        let reactor = try pollingReactor()
        let executor = reactor.executor
        let stopper = Worker { executor.stop() }
        reactor.run()
        stopper.finish()
        #expect(SuspendingClock.now - start < endless)
    }

    @Test func `may be told when its time is up`() throws {
        let reactor = try pollingReactor()
        let start = SuspendingClock.now
        #expect(!reactor.run(timeout: .milliseconds(10)) { false })
        #expect(SuspendingClock.now - start < endless)
    }

    @Test func `may have a thread of its own`() throws {
        let answer = Counter()
        let thread = try ReactorThread(configuration: polling(for: .milliseconds(1))) { reactor in
            reactor.schedule(after: .milliseconds(2)) { answer.count() }
        }
        #expect(eventually { answer.value == 1 })
        thread.stop()
        thread.join()
    }

    @Test(arguments: [Duration.zero, .seconds(-1)]) func `sleeps at once without a time to poll for`(time: Duration)
        throws
    {
        let reactor = try pollingReactor(for: time)
        // More than one, because a machine that is late may reach a wait only when its timer is due.
        let ticks = reactor.schedule(after: .milliseconds(20), repeating: .milliseconds(20)) {}
        let before = threadSleepCount()
        reactor.runBounded { threadSleepCount() > before }
        ticks.cancel()
    }
}

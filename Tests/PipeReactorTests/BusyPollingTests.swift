// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import PipeTestSupport
import Testing

/// A reactor that polls for longer than a test takes, unless said otherwise: what works here works without sleeping.
private func pollingReactor(for time: Duration = patience) throws -> Reactor {
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
        let timer = reactor.schedule(after: .milliseconds(20), repeating: .milliseconds(20)) { ticks += 1 }
        let before = threadTime()
        reactor.runBounded { ticks == 20 }
        timer.cancel()
        // Polling each time would be 160 ms; doubling the distance each time, it is 5 times 8.
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
        #expect(SuspendingClock.now - start < patience / 2)
    }

    @Test func `hears of descriptors without going to sleep`() throws {
        let reactor = try pollingReactor()
        let pair = Pair.pipe()
        var calls = 0
        let watch = try reactor.watch(pair.near.rawValue, for: .reading) { [near = pair.near.rawValue] in
            calls += take(near, atMost: 1)
        }
        let far = duplicate(pair.far.rawValue)
        let before = threadSleepCount()
        let writer = Worker { for _ in 0..<100 { put(far.rawValue) } }
        reactor.runBounded { calls == 100 }
        #expect(threadSleepCount() - before < 20)
        writer.finish()
        watch.cancel()
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
        #expect(SuspendingClock.now - start < patience / 2)
    }

    @Test func `may be told when its time is up`() throws {
        let reactor = try pollingReactor()
        let start = SuspendingClock.now
        #expect(!reactor.run(timeout: .milliseconds(10)) { false })
        #expect(SuspendingClock.now - start < patience / 2)
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
        var isDue = false
        reactor.schedule(after: .milliseconds(20)) { isDue = true }
        let before = threadSleepCount()
        reactor.runBounded { isDue }
        #expect(threadSleepCount() > before)
    }
}

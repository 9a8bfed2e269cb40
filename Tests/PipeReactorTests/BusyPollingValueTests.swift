// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Testing

/// A clock that the test moves, and what a loop would do with its waits.
private struct Waits {
    var polling = BusyPolling(limit: .microseconds(50))
    var now = SuspendingClock.now
    var pollCount = 0
    /// How often the thread has lost the CPU.
    var preemptions = 0

    /// A wait whose event comes after `time`. Waking up from a sleep takes `wakeUp` longer.
    mutating func wait(for time: Duration, wakeUp: Duration = .zero) {
        let start = now
        guard let end = polling.beginWait(at: now, preemptions: { preemptions }) else {
            now += time + wakeUp
            return polling.didSleep(from: start, to: now)
        }
        pollCount += 1
        if start + time < end {
            now += time
        } else {
            now += time + wakeUp
            polling.pollWasInVain()
        }
    }

    /// How many of `count` waits were polls.
    mutating func polls(of count: Int, for time: Duration, wakeUp: Duration = .zero) -> Int {
        let before = pollCount
        for _ in 0..<count { wait(for: time, wakeUp: wakeUp) }
        return pollCount - before
    }
}

@Suite struct `Whether to poll` {
    @Test func `a poll lasts until the limit after its beginning`() {
        let now = SuspendingClock.now
        var polling = BusyPolling(limit: .microseconds(50))
        #expect(polling.beginWait(at: now) { 0 } == now + .microseconds(50))
    }

    @Test func `always, while events come soon`() {
        var waits = Waits()
        #expect(waits.polls(of: 1000, for: .microseconds(10)) == 1000)
    }

    @Test func `once and never again, where events are sparse`() {
        var waits = Waits()
        #expect(waits.polls(of: 1000, for: .milliseconds(1)) == 1)
    }

    @Test func `again after a wait that was short`() {
        var waits = Waits()
        _ = waits.polls(of: 1000, for: .milliseconds(1))
        #expect(waits.polls(of: 10, for: .microseconds(10)) == 9)
    }

    @Test func `again after a wait that was short but for the waking up`() {
        var waits = Waits()
        waits.wait(for: .seconds(1))
        #expect(waits.polls(of: 10, for: .microseconds(45), wakeUp: .microseconds(450)) == 9)
        waits.wait(for: .seconds(1))
        #expect(waits.polls(of: 10, for: .microseconds(45), wakeUp: .microseconds(460)) == 0)
    }

    /// Both ends on one CPU: the answer comes soon, but only once this end sleeps.
    @Test func `seldom, where every poll is in vain although events are frequent`() {
        var polling = BusyPolling(limit: .microseconds(50))
        var now = SuspendingClock.now
        var polls = 0
        for _ in 0..<100_000 {
            if polling.beginWait(at: now, preemptions: { 0 }) != nil {
                polls += 1
                polling.pollWasInVain()
            } else {
                polling.didSleep(from: now, to: now + .microseconds(10))
            }
            now += .microseconds(10)
        }
        #expect((100_000 / 257...100_000 / 257 + 10).contains(polls))
    }

    @Test func `after each poll in vain, once twice as many short waits are over, up to 256`() {
        var polling = BusyPolling(limit: .microseconds(50))
        let now = SuspendingClock.now
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256] {
            polling.pollWasInVain()
            var waits = 0
            while polling.beginWait(at: now, preemptions: { 0 }) == nil {
                waits += 1
                polling.didSleep(from: now, to: now)
            }
            #expect(waits == expected)
        }
        // A poll that paid, as the next wait finds.
        #expect(polling.beginWait(at: now) { 0 } != nil)
        polling.pollWasInVain()
        #expect(polling.beginWait(at: now) { 0 } == nil)
        polling.didSleep(from: now, to: now)
        #expect(polling.beginWait(at: now) { 0 } != nil)
    }

    /// Both ends on one CPU, in the ordinary case: the poll finds something, but only after the peer has taken the CPU.
    @Test func `seldom, where a poll finds something only because it lost the CPU`() {
        var waits = Waits()
        for _ in 0..<100_000 {
            waits.wait(for: .microseconds(10))
            waits.preemptions += 1
        }
        #expect((100_000 / 257...100_000 / 257 + 10).contains(waits.pollCount))
    }

    @Test func `again soon, after the CPU was lost once`() {
        var waits = Waits()
        for _ in 0..<10 {
            #expect(waits.polls(of: 100, for: .microseconds(10)) >= 99)
            waits.preemptions += 1
        }
    }

    @Test(arguments: [1, 7, 60]) func `for a small part of the time in all, whatever the distance of events`(
        factor: Int
    ) {
        for distance in [51, 60, 75, 99, 100, 101, 200, 499, 500, 501] {
            var waits = Waits()
            let count = 1000 * factor
            let polls = waits.polls(of: count, for: .microseconds(distance))
            #expect(polls <= 10 + count / 256, "every \(distance) µs")
        }
    }
}

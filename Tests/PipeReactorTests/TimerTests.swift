// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import PipeTestSupport
import Testing

@Suite struct `A timer` {
    /// FACTS: libevent uses a coarse clock, which may lag by a tick. HOSTILE 54: the clock is the monotonic one.
    @Test func `54 is never early on the monotonic clock, although libevent's coarse clock is`() throws {
        let reactor = try Reactor()
        var fired = 0
        for index in 0..<300 {
            let delay = Duration.microseconds(index * 97)
            let start = SuspendingClock.now
            reactor.schedule(after: delay) {
                #expect(SuspendingClock.now - start >= delay)
                fired += 1
            }
        }
        reactor.runBounded { fired == 300 }
    }

    @Test func `fires in the order of due times, not of calls`() throws {
        let reactor = try Reactor()
        var order: [Int] = []
        for delay in [60, 0, 40, 20] { reactor.schedule(after: .milliseconds(delay)) { order.append(delay) } }
        reactor.runBounded { order.count == 4 }
        #expect(order == [0, 20, 40, 60])
    }

    @Test(arguments: [Duration.zero, .nanoseconds(-1), .seconds(-1), .seconds(Int64.min), .nanoseconds(1)])
    func `without a delay fires once, in a later turn`(delay: Duration) throws {
        let reactor = try Reactor()
        var fired = 0
        let timer = reactor.schedule(after: delay) { fired += 1 }
        #expect(fired == 0 && timer.isPending)
        reactor.runTurns(3)
        reactor.runBounded { fired > 0 }
        reactor.runTurns(3)
        #expect(fired == 1 && !timer.isPending)
    }

    @Test func `without a delay that sets another does not keep the loop from its events`() throws {
        let reactor = try Reactor()
        var fired = 0
        var timer: ScheduledWork?
        func again() {
            fired += 1
            timer = reactor.schedule(after: .zero, again)
        }
        again()
        let pair = Pair.pipe()
        var isReadable = false
        let watch = try reactor.watch(pair.near.rawValue, for: .reading) { isReadable = true }
        put(pair.far.rawValue)
        reactor.runBounded { isReadable && fired > 10 }
        watch.cancel()
        timer?.cancel()
    }

    @Test(arguments: [
        Duration.seconds(1 << 40), .seconds(Int64.max), .seconds(Int64.max) * 10, .seconds(Int64.max) * 18,
    ])
    func `may lie beyond all times`(far: Duration) throws {
        let reactor = try Reactor()
        let once = reactor.schedule(after: far) { Issue.record("fired") }
        let often = reactor.schedule(after: far, repeating: far) { Issue.record("fired") }
        reactor.runTurns(5)
        #expect(once.isPending && often.isPending)
        once.cancel()
        var fired = 0
        let first = reactor.schedule(after: .zero, repeating: far) { fired += 1 }
        reactor.runBounded { fired == 1 }
        reactor.runTurns(5)
        #expect(fired == 1 && first.isPending)
    }

    @Test func `set late in a long callback counts from then, not from the callback's beginning`() throws {
        let reactor = try Reactor()
        var order: [String] = []
        reactor.schedule(after: .zero) {
            reactor.schedule(after: .milliseconds(40)) { order.append("before") }
            holdLoop(for: .milliseconds(30))
            reactor.schedule(after: .milliseconds(25)) { order.append("after") }
        }
        reactor.runBounded { order.count == 2 }
        #expect(order == ["before", "after"])
    }

    @Test func `fires although its handle was dropped`() throws {
        let reactor = try Reactor()
        var fired = false
        _ = reactor.schedule(after: .milliseconds(2)) { fired = true }
        reactor.runBounded { fired }
    }

    @Test func `releases its function after it fired`() throws {
        let reactor = try Reactor()
        var isHeld = true
        let timer = reactor.schedule(after: .zero) { [captive = Captive { isHeld = false }] in captive.touch() }
        #expect(isHeld)
        reactor.runBounded { !isHeld }
        #expect(!timer.isPending)
    }

    @Test func `is itself released by the reactor after it fired or was cancelled`() throws {
        let reactor = try Reactor()
        var fired = 0
        weak let once = reactor.schedule(after: .zero) { fired += 1 }
        weak let cancelled = reactor.schedule(after: .seconds(60)) {}
        #expect(once != nil && cancelled != nil)
        cancelled?.cancel()
        reactor.runBounded { fired == 1 }
        reactor.runTurns(1)
        #expect(once == nil && cancelled == nil)
    }

    @Test func `ends with the reactor, and releases its function`() throws {
        var reactor: Reactor? = try Reactor()
        var ends = 0
        let timers = try [nil, Duration.seconds(60)].map { interval in
            try #require(reactor).schedule(after: .seconds(60), repeating: interval) {
                [captive = Captive { ends += 1 }] in captive.touch()
            }
        }
        reactor = nil
        #expect(ends == 2)
        for timer in timers {
            #expect(!timer.isPending)
            timer.cancel()
        }
    }

    @Test func `may be cancelled by the end of an object that another captured, when both end with the reactor`() throws
    {
        for first in 0..<2 {
            var reactor: Reactor? = try Reactor()
            var timers: [ScheduledWork] = []
            for index in 0..<2 {
                let captive = index == first ? Captive { for timer in timers { timer.cancel() } } : Captive()
                timers.append(try #require(reactor).schedule(after: .seconds(60)) { captive.touch() })
            }
            reactor = nil
            #expect(timers.allSatisfy { !$0.isPending })
        }
    }

    /// If setting a timer had to search all others, ten times as many would take a hundred times as long.
    @Test func `can be set and cancelled a hundred thousand times`() throws {
        let reactor = try Reactor()
        var held = 0
        func time(_ count: Int) -> Duration {
            let before = threadTime()
            var timers = (0..<count).map { index in
                held += 1
                return reactor.schedule(after: .seconds(30_000 + index % 7)) { [captive = Captive { held -= 1 }] in
                    captive.touch()
                }
            }
            #expect(held == count)
            timers.shuffle()
            for timer in timers { timer.cancel() }
            #expect(held == 0)
            #expect(timers.allSatisfy { !$0.isPending })
            return threadTime() - before
        }
        let few = time(10_000)
        let many = time(100_000)
        #expect(many < few * 40)
        #expect(!reactor.run(timeout: .zero) { false })
    }

    @Test func `whose interval is zero or less is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            try Reactor().schedule(after: .zero, repeating: .zero) {}
        }
    }
}

@Suite struct `Cancelling a timer` {
    @Test func `before its time keeps it from firing and releases its function`() throws {
        let reactor = try Reactor()
        var isHeld = true
        let timer = reactor.schedule(after: .zero) { [captive = Captive { isHeld = false }] in
            captive.touch()
            Issue.record("fired")
        }
        timer.cancel()
        #expect(!isHeld && !timer.isPending)
        reactor.runTurns(5)
    }

    @Test func `inside its own function ends a series`() throws {
        let reactor = try Reactor()
        var fired = 0
        var timer: ScheduledWork?
        var isHeld = true
        timer = reactor.schedule(after: .zero, repeating: .nanoseconds(1)) {
            [captive = Captive { isHeld = false }] in
            fired += 1
            if fired == 3 {
                timer?.cancel()
                timer = nil
                #expect(isHeld, "the function is released only after it has returned")
                captive.touch()
            }
        }
        reactor.runBounded { fired == 3 }
        #expect(!isHeld)
        reactor.runTurns(20)
        #expect(fired == 3)
    }

    @Test func `inside its own function, when it fires once, changes nothing`() throws {
        let reactor = try Reactor()
        var timer: ScheduledWork?
        var fired = 0
        timer = reactor.schedule(after: .zero) {
            #expect(timer?.isPending == false)
            timer?.cancel()
            timer = nil
            fired += 1
        }
        reactor.runBounded { fired == 1 }
    }

    @Test func `by another that is due in the same turn keeps it from firing`() throws {
        let reactor = try Reactor()
        var timers: [ScheduledWork] = []
        var fired = 0
        for _ in 0..<10 {
            timers.append(
                reactor.schedule(after: .milliseconds(1)) {
                    fired += 1
                    for timer in timers { timer.cancel() }
                })
        }
        holdLoop(for: .milliseconds(10))
        reactor.runBounded { fired > 0 }
        reactor.runTurns(10)
        #expect(fired == 1)
    }

    @Test func `after it fired, or again, does not touch the timer that took its place`() throws {
        let reactor = try Reactor()
        var fired = 0
        let first = reactor.schedule(after: .zero) { fired += 1 }
        reactor.runBounded { fired == 1 }
        let second = reactor.schedule(after: .zero) { fired += 1 }
        first.cancel()
        first.cancel()
        #expect(second.isPending)
        reactor.runBounded { fired == 2 }
    }
}

@Suite struct `A repeating timer` {
    private static let zero = SuspendingClock.now

    @Test(arguments: [
        (passed: 0, next: 10), (passed: 3, next: 10), (passed: 9, next: 10), (passed: 10, next: 20),
        (passed: 19, next: 20), (passed: 35, next: 40), (passed: 1_000_000_000_005, next: 1_000_000_000_010),
    ])
    func `goes on at the next point of its grid`(passed: Int, next: Int) {
        let point = ScheduledWork.nextPoint(
            after: Self.zero + .milliseconds(passed), of: Self.zero, every: .milliseconds(10))
        #expect(point == Self.zero + .milliseconds(next))
    }

    @Test func `keeps its grid to the attosecond after a trillion points`() {
        let third = Duration(secondsComponent: 0, attosecondsComponent: 333_333_333_333_333_333)
        let point = ScheduledWork.nextPoint(after: Self.zero + third * 1_000_000_000_000, of: Self.zero, every: third)
        #expect(point == Self.zero + third * 1_000_000_000_001)
        let smallest = Duration(secondsComponent: 0, attosecondsComponent: 1)
        let soon = ScheduledWork.nextPoint(after: Self.zero + .seconds(86_400), of: Self.zero, every: smallest)
        #expect(soon == Self.zero + .seconds(86_400) + smallest)
    }

    @Test func `fires at each point, never before it`() throws {
        let reactor = try Reactor()
        let interval = Duration.milliseconds(5)
        let start = SuspendingClock.now
        var times: [Duration] = []
        let timer = reactor.schedule(after: interval, repeating: interval) { times.append(SuspendingClock.now - start) }
        reactor.runBounded { times.count == 20 }
        timer.cancel()
        for (index, time) in times.enumerated() { #expect(time >= interval * (index + 1)) }
    }

    @Test func `makes up for one point that a long callback missed, and leaves out the others`() throws {
        let reactor = try Reactor()
        let interval = Duration.milliseconds(10)
        let start = SuspendingClock.now
        var times: [Duration] = []
        let timer = reactor.schedule(after: .zero, repeating: interval) {
            times.append(SuspendingClock.now - start)
            if times.count == 1 { holdLoop(for: interval * 3.5) }
        }
        reactor.runBounded { times.count == 3 }
        timer.cancel()
        #expect(times[1] >= interval * 3.5 && times[2] >= interval * 4)
    }

    @Test func `with another first delay has its grid from there`() throws {
        let reactor = try Reactor()
        let start = SuspendingClock.now
        var times: [Duration] = []
        let timer = reactor.schedule(after: .milliseconds(3), repeating: .milliseconds(10)) {
            times.append(SuspendingClock.now - start)
        }
        reactor.runBounded { times.count == 2 }
        timer.cancel()
        #expect(times[0] >= .milliseconds(3) && times[1] >= .milliseconds(13))
    }

    @Test func `with no time between its points still leaves the loop to others`() throws {
        let reactor = try Reactor()
        var fired = 0
        let timer = reactor.schedule(after: .zero, repeating: .nanoseconds(1)) { fired += 1 }
        let mail = Counter()
        reactor.executor.post { $0.executor.post { _ in mail.count() } }
        reactor.runBounded { mail.value == 1 && fired > 10 }
        timer.cancel()
    }
}

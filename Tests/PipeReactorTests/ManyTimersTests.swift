// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeReactor
import PipeTestSupport
import Testing

private let count = 100_000

/// A hundred thousand timers, and the time at which each fired.
private final class ManyTimers {
    /// The timer is due between these two points.
    struct Due {
        let earliest: SuspendingClock.Instant
        let latest: SuspendingClock.Instant
    }

    private(set) var timers: [ScheduledWork] = []
    private(set) var dues: [Due] = []
    /// The indices of the timers that fired, in order.
    private(set) var fired: [Int] = []
    private(set) var earlyCount = 0
    private var coarseLag: Duration = .zero

    func set(on reactor: Reactor, delay: () -> Duration) {
        for index in 0..<count {
            let delay = delay()
            let before = SuspendingClock.now
            noteCoarseLag()
            timers.append(reactor.schedule(after: delay) { [unowned self] in didFire(index) })
            noteCoarseLag()
            dues.append(Due(earliest: before + delay, latest: SuspendingClock.now + delay))
        }
    }

    private func didFire(_ index: Int) {
        if SuspendingClock.now < dues[index].earliest { earlyCount += 1 }
        noteCoarseLag()
        fired.append(index)
    }

    /// libevent uses the coarse clock. It lags by a tick, 10 ms at most, and by more on a virtual machine that was not
    /// given its CPU when a tick was due.
    private func noteCoarseLag() {
        var coarse = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse)
        var exact = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &exact)
        let lag = Duration.seconds(exact.tv_sec - coarse.tv_sec) + .nanoseconds(exact.tv_nsec - coarse.tv_nsec)
        coarseLag = max(coarseLag, lag)
    }

    /// How many timers fired too early: before others that were due earlier, by more than the coarse clock ever lagged.
    var misplacedCount: Int {
        guard let first = fired.first else { return 0 }
        var last = dues[first].earliest
        let slack = coarseLag + .milliseconds(10)
        return fired.count { index in
            last = max(last, dues[index].earliest)
            return dues[index].latest + slack < last
        }
    }
}

@Suite struct `A hundred thousand timers` {
    @Test func `of the same delay all fire, in order and none before its time`() throws {
        let reactor = try Reactor()
        let many = ManyTimers()
        many.set(on: reactor) { .milliseconds(300) }
        reactor.runBounded { many.fired.count == count }
        #expect(many.earlyCount == 0)
        #expect(many.misplacedCount == 0)
        #expect(many.timers.allSatisfy { !$0.isPending })
    }

    @Test func `of any delay all fire, in order and none before its time`() throws {
        let reactor = try Reactor()
        let many = ManyTimers()
        var random = Seeded(1)
        many.set(on: reactor) { .microseconds(Int.random(in: 0..<600_000, using: &random)) }
        reactor.runBounded { many.fired.count == count }
        #expect(many.earlyCount == 0)
        #expect(many.misplacedCount == 0)
        #expect(Set(many.fired).count == count)
    }

    @Test func `of which half are cancelled, fire only the others`() throws {
        let reactor = try Reactor()
        let many = ManyTimers()
        var random = Seeded(2)
        many.set(on: reactor) { .microseconds(Int.random(in: 500_000..<900_000, using: &random)) }
        let cancelled = Set((0..<count).shuffled(using: &random).prefix(count / 2)).subtracting(many.fired)
        for index in cancelled { many.timers[index].cancel() }
        reactor.runBounded { many.fired.count == count - cancelled.count }
        reactor.runTurns(3)
        #expect(cancelled.isDisjoint(with: many.fired))
        #expect(many.fired.count == count - cancelled.count)
        #expect(many.misplacedCount == 0)
    }

    @Test(.disabled(if: isAddressSanitized, "it keeps for a while what was freed"))
    func `give their memory back`() async {
        await #expect(processExitsWith: .success) { try setAndCancelAgainAndAgain() }
    }
}

/// The next rounds use the memory of the first again.
private func setAndCancelAgainAndAgain() throws {
    let reactor = try Reactor()
    let before = residentByteCount()
    var random = Seeded(3)
    func round() {
        var timers = (0..<count).map { _ in
            reactor.schedule(after: .milliseconds(Int.random(in: 60_000..<90_000, using: &random))) {}
        }
        timers.shuffle(using: &random)
        for timer in timers { timer.cancel() }
    }
    round()
    let afterFirst = residentByteCount()
    for _ in 0..<2 { round() }
    #expect(residentByteCount() - afterFirst < (afterFirst - before) / 2)
}

// SPDX-License-Identifier: Apache-2.0

/// A timer that was set with ``Reactor/schedule(after:repeating:_:)``.
///
/// It belongs to the reactor's thread. The reactor retains it until it has fired for the last time or is cancelled;
/// this handle may be ignored.
public final class ScheduledWork: EventHandler {
    private unowned let reactor: Reactor
    private let interval: Duration?
    private var work: (() -> Void)?
    private(set) var due: SuspendingClock.Instant
    private let isInRealTime: Bool
    /// How many timers were set before this one.
    let number: UInt64
    // Each timer is an event in libevent's heap. libevent's queues of equal timeouts would save nothing measurable: to
    // set and cancel a timer takes 4,000 instructions beside one other and beside 100,000.
    private var timer: EventSource?
    private var key: UInt64 = 0

    /// - Parameter inRealTime: whether to use real time even if a test moves the time of the other timers.
    init(
        _ reactor: Reactor, after delay: Duration, repeating interval: Duration? = nil, inRealTime: Bool = false,
        _ work: @escaping () -> Void
    ) {
        self.reactor = reactor
        self.interval = interval?.clampedForTimers
        self.work = work
        number = reactor.nextTimerNumber()
        isInRealTime = inRealTime || reactor.executor.virtualTime == nil
        due = (isInRealTime ? SuspendingClock.now : reactor.now) + delay.clampedForTimers
        if isInRealTime { timer = EventSource(reactor, borrowing: -1, .timer, handler: self) }
        key = reactor.timers.insert(self)
        timer?.arm(after: delay)
    }

    /// Whether it will still fire.
    public var isPending: Bool { work != nil }

    /// Ensures that it does not fire again, and releases the function. Allowed inside the function itself.
    public func cancel() {
        guard work != nil else { return }
        // The function is released last: the deinitialisers of its captures may do anything.
        let work = detach()
        reactor.timers.remove(key)
        withExtendedLifetime(work) {}
    }

    /// The work of ``cancel()`` when the reactor itself is ending. Returns the function, which will not be called.
    func detach() -> (() -> Void)? {
        timer = nil
        return work.take()
    }

    package static var callbackName: StaticString { "timer" }

    package func handle(_ readiness: Readiness) {
        guard let work else { return }
        let now = isInRealTime ? SuspendingClock.now : reactor.now
        // libevent measures on a coarse clock and may be early by up to one tick (4 ms at 250 Hz); this library never
        // is.
        guard now >= due else {
            timer?.arm(after: due - now)
            return
        }
        if let interval {
            due = Self.nextPoint(after: now, of: due, every: interval)
            timer?.arm(after: due - now)
        } else {
            cancel()
        }
        work()
    }

    /// The first due time after `now` in the series of `point`. Due times that were missed, because a callback held the
    /// loop, are omitted.
    package static func nextPoint(
        after now: SuspendingClock.Instant, of point: SuspendingClock.Instant, every interval: Duration
    ) -> SuspendingClock.Instant {
        // In whole attoseconds: with floating point the grid would drift.
        let passed = (now - point).attoseconds / interval.attoseconds
        return point + interval * (passed + 1)
    }
}

extension ScheduledWork: TurnWork {
    /// Whether it fires in the time that a test moves.
    var isVirtual: Bool { isPending && !isInRealTime }

    package func runInTurn() { handle(.timedOut) }
}

extension Duration {
    /// Not negative, and at most 2^40 seconds (35,000 years): sums of larger ones overflow.
    var clampedForTimers: Duration { min(max(self, .zero), .seconds(1 << 40)) }
}

@available(*, unavailable, message: "timers belong to their reactor's thread")
extension ScheduledWork: Sendable {}

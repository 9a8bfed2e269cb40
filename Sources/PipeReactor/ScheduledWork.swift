// SPDX-License-Identifier: Apache-2.0

/// A timer that was set with ``Reactor/schedule(after:repeating:_:)``.
///
/// It belongs to the reactor's thread. The reactor keeps it until it has fired for the last time or is cancelled; this
/// handle may be dropped.
public final class ScheduledWork: EventHandler {
    private unowned let reactor: Reactor
    private let interval: Duration?
    private var work: (() -> Void)?
    private var due: SuspendingClock.Instant
    private var timer: EventSource?
    private var key: UInt64 = 0

    init(_ reactor: Reactor, after delay: Duration, repeating interval: Duration?, _ work: @escaping () -> Void) {
        self.reactor = reactor
        self.interval = interval
        self.work = work
        due = SuspendingClock.now + max(delay, .zero)
        timer = EventSource(reactor, borrowing: -1, .timer, handler: self)
        key = reactor.timers.insert(self)
        timer?.arm(after: delay)
    }

    /// Whether it will still fire.
    public var isPending: Bool { work != nil }

    /// Makes sure that it does not fire again, and lets the function go. Allowed inside the function itself.
    public func cancel() {
        guard work != nil else { return }
        detach()
        reactor.timers.remove(key)
    }

    /// What ``cancel()`` does when the reactor itself is ending.
    func detach() {
        work = nil
        timer?.cancel()
        timer = nil
    }

    package func handle(_ readiness: Readiness, of source: EventSource) {
        guard let work else { return }
        let now = SuspendingClock.now
        // libevent counts on a coarse clock and may be up to one tick (4 ms at 250 Hz) early; we never are.
        guard now >= due else {
            timer?.arm(after: due - now)
            return
        }
        if let interval {
            due = nextDue(after: now, every: interval)
            timer?.arm(after: due - now)
        } else {
            cancel()
        }
        work()
    }

    /// The next point of the series. Points that were missed, because a callback held the loop, are left out.
    private func nextDue(after now: SuspendingClock.Instant, every interval: Duration) -> SuspendingClock.Instant {
        let next = due + interval
        guard next <= now else { return next }
        let missed = ((now - due) / interval).rounded(.down)
        return due + interval * (missed + 1)
    }
}

@available(*, unavailable, message: "timers belong to their reactor's thread")
extension ScheduledWork: Sendable {}

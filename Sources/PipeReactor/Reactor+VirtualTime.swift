// SPDX-License-Identifier: Apache-2.0

// Virtual time, which a test moves: timers wait in the reactor's table instead of libevent's heap, and fire in the
// order of their due times when these are reached. Everything else, such as sockets, continues in real time.

extension Reactor {
    /// The present time of the timers.
    package var now: SuspendingClock.Instant { executor.now }

    /// The number of turns after which ``settle()`` gives up.
    package static var settlingTurnLimit: Int { 100_000 }

    /// Turns the loop until nothing is left to do at this moment: no event, no posted work, no end of a turn.
    ///
    /// - Returns: false if there was always something left, because two parties keep each other busy for ever, or the
    ///   reactor was stopped.
    @discardableResult
    package func settle() -> Bool {
        precondition(!isRunning, "inside a callback, which the loop itself runs")
        isRunning = true
        defer { isRunning = false }
        executor.beginRunning()
        for _ in 0..<Self.settlingTurnLimit where !executor.isStopRequested {
            // Work at the end of a turn may have registered a descriptor that is ready: only a turn that began with
            // nothing to do shows that nothing is left.
            let hadWork = isWorkWaiting
            base.hasFired = false
            turn(mayBlock: false)
            if !hadWork, !base.hasFired, !isWorkWaiting { return true }
        }
        return false
    }

    private var isWorkWaiting: Bool { !turnQueue.isEmpty || executor.isMailWaiting }

    /// Lets virtual time pass: each timer fires at its due time, in order, and its consequences are handled before the
    /// next.
    ///
    /// - Returns: as ``settle()``.
    @discardableResult
    package func advance(by duration: Duration) -> Bool {
        guard let virtualTime = executor.virtualTime else {
            preconditionFailure("this reactor's time passes by itself")
        }
        let end = now + duration.clampedForTimers
        var firedCount = 0
        while firedCount < Self.settlingTurnLimit, settle() {
            guard let next = nextTimer, next.due <= end else {
                // A callback may have moved time further, to test the effects of a callback that holds the loop.
                virtualTime.now = max(now, end)
                return true
            }
            // A limited number of timers with one due time: they may set each other anew.
            firedCount = next.due > now ? 0 : firedCount + 1
            virtualTime.now = max(now, next.due)
            runAtEndOfTurn(next)
        }
        return false
    }

    /// The time until the next timer fires; nil if there is none.
    package var timeUntilNextTimer: Duration? { nextTimer.map { max($0.due - now, .zero) } }

    /// How many timers wait in virtual time.
    package var pendingTimerCount: Int { timers.elements.count(where: \.isVirtual) }

    // Of timers with equal due times, the one that was set first.
    private var nextTimer: ScheduledWork? {
        timers.elements.filter(\.isVirtual).min { ($0.due, $0.number) < ($1.due, $1.number) }
    }
}

// SPDX-License-Identifier: Apache-2.0

// Time that a test moves: timers wait in the reactor's table instead of libevent's heap, and fire in the order of their
// points when they are reached. Everything else, such as sockets, goes on in real time.

extension Reactor {
    /// The time by which timers go.
    package var now: SuspendingClock.Instant { executor.now }

    /// How often ``settle()`` turns the loop before it gives up.
    package static var settlingTurnLimit: Int { 100_000 }

    /// Turns the loop until nothing is left to do at this moment: no event, no posted work, no end of a turn.
    ///
    /// - Returns: false if there always was something, because two parties make each other work for ever, or the
    ///   reactor was stopped.
    @discardableResult
    package func settle() -> Bool {
        precondition(!isRunning, "inside a callback: it is the loop that runs it")
        isRunning = true
        defer { isRunning = false }
        executor.beginRunning()
        for _ in 0..<Self.settlingTurnLimit where !executor.isStopRequested {
            base.hasFired = false
            turn(mayBlock: false)
            if !base.hasFired, turnQueue.isEmpty, !executor.isMailWaiting { return true }
        }
        return false
    }

    /// Lets virtual time pass: each timer fires at its point, in order, and what it leads to is done before the next.
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
                // A callback may have moved it further, to test what happens where one holds the loop.
                virtualTime.now = max(now, end)
                return true
            }
            // Of those at one point, a limited number: they may set each other anew.
            firedCount = next.due > now ? 0 : firedCount + 1
            virtualTime.now = max(now, next.due)
            runAtEndOfTurn(next)
        }
        return false
    }

    /// How long it is until the next timer fires; nil without one.
    package var timeUntilNextTimer: Duration? { nextTimer.map { max($0.due - now, .zero) } }

    /// How many timers wait for their points in virtual time.
    package var pendingTimerCount: Int { timers.elements.count(where: \.isVirtual) }

    // Of equal ones, the one that was set first.
    private var nextTimer: ScheduledWork? {
        timers.elements.filter(\.isVirtual).min { ($0.due, $0.number) < ($1.due, $1.number) }
    }
}

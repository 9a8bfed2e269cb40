// SPDX-License-Identifier: Apache-2.0

/// The longest time that something may take, as opposed to a timer, which says when to act.
///
/// A timer acts as soon as it is due. A limit that is due first lets the reactor handle the events that have arrived,
/// because the awaited reply may already be among them: a process that was stopped (SIGSTOP), starved of CPU time, or
/// held by a callback of its own wakes up with both the timer and the reply. So a limit decides at the end of a
/// complete turn of the loop that began after it was due, and a limit that is late gets some more time; see
/// ``Patience``.
///
/// It belongs to the reactor's thread. The reactor retains it until it has been exceeded or is cancelled.
package final class TimeLimit {
    private unowned let reactor: Reactor
    private let isInRealTime: Bool
    private var patience: Patience
    private var timer: ScheduledWork?
    private var work: (() -> Void)?

    /// - Parameter inRealTime: whether to use real time even if a test moves the time of the reactor's timers.
    init(_ reactor: Reactor, _ duration: Duration, inRealTime: Bool = false, _ work: @escaping () -> Void) {
        self.reactor = reactor
        self.work = work
        isInRealTime = inRealTime
        patience = Patience(for: duration)
        start(duration)
    }

    /// Whether it may still be exceeded.
    package var isPending: Bool { work != nil }

    /// Ensures that it is not exceeded any more, and releases the function.
    package func cancel() {
        let work = self.work.take()
        timer.take()?.cancel()
        withExtendedLifetime(work) {}
    }

    private func start(_ duration: Duration) {
        timer = ScheduledWork(reactor, after: duration, inRealTime: isInRealTime) { [self] in follow(due()) }
    }

    private func due() -> Patience.Step {
        guard let timer else { return .decide }
        let now = isInRealTime ? SuspendingClock.now : reactor.now
        return patience.isDue(late: now - timer.due)
    }

    private func follow(_ step: Patience.Step) {
        guard isPending else { return }
        switch step {
        case .wait(let duration): start(duration)
        case .lookOnce: reactor.runAtEndOfTurn(self)
        case .decide:
            timer = nil
            work.take()?()
        }
    }
}

extension TimeLimit: TurnWork {
    package func runInTurn() { follow(patience.turnDidEnd()) }
}

extension Reactor {
    /// Calls a function once the limit is exceeded, unless an event that has arrived cancels the limit first.
    ///
    /// - Parameters:
    ///   - duration: the limit, on the clock of ``schedule(after:repeating:_:)``. It is never cut short. It takes a
    ///     turn of the loop longer, and if the loop was held up, an eighth longer, but at most a second.
    ///   - work: called once, unless the limit is cancelled before.
    /// - Returns: the limit, to cancel it.
    package func limit(_ duration: Duration, onExceeded work: @escaping () -> Void) -> TimeLimit {
        assertOwner()
        return TimeLimit(self, duration, work)
    }
}

/// How long a limit that is due waits for events that may have arrived meanwhile: a value without a clock.
///
/// ```
///   running ──due, on time──▶ looking: this turn, and the next one ──▶ decided
///    │   ▲
///    └───┘ due, but late: wait again, at most 8 times
/// ```
///
/// The turn in which it is due may have begun before the awaited event arrived, hence the second turn, which looks at
/// every descriptor again. A late timer means that the loop was held up. Events that arrived in the meantime may take
/// many turns to read, or a task on another thread to handle, so the limit gets an eighth more. A loop that is always
/// late must not put off the limit for ever, hence the maximum number of extensions.
struct Patience {
    enum Step: Equatable {
        /// Wait again.
        case wait(Duration)
        /// Ask again at the end of the turn.
        case lookOnce
        /// It is exceeded.
        case decide
    }

    private let extensionTime: Duration
    private let tolerance: Duration
    private var extensionCount = 0
    private var turnCount = 0

    init(for limit: Duration) {
        extensionTime = min(max(limit / 8, .milliseconds(1)), .seconds(1))
        // Timers are normally a few milliseconds late.
        tolerance = min(extensionTime, .milliseconds(10))
    }

    mutating func isDue(late: Duration) -> Step {
        guard late > tolerance, extensionCount < Self.extensionLimit else { return .lookOnce }
        extensionCount += 1
        return .wait(extensionTime)
    }

    mutating func turnDidEnd() -> Step {
        turnCount += 1
        return turnCount < Self.turnLimit ? .lookOnce : .decide
    }

    private static let extensionLimit = 8
    private static let turnLimit = 2
}

@available(*, unavailable, message: "time limits belong to their reactor's thread")
extension TimeLimit: Sendable {}

// SPDX-License-Identifier: Apache-2.0

/// The state of a pool between its start and its last event: a value, so that it can be tested without threads. Its
/// methods say what to do; ``PipeServerPool`` does it.
///
/// ```
///              didStart            requestStop                acceptorDidStop             workerDidStop
///    starting ──────────▶ serving ─────────────▶ stopAccepting ──────────────▶ stopping ─────────────▶ stopped
///                            │                                                    ▲       (the last)
///                            └────────────────────────────────────────────────────┘
///                               acceptorDidStop, because a successor has the name
/// ```
///
/// The acceptor stops first and has dealt everything by then, so each worker gets its last clients before it is told to
/// stop.
struct PoolLifecycle {
    enum Phase {
        case starting
        case serving
        /// The acceptor is stopping; the workers have until this time.
        case stopAccepting(until: SuspendingClock.Instant)
        /// The workers are stopping.
        case stopping(until: SuspendingClock.Instant)
        case stopped(ShutdownReport)
    }

    enum Step: Equatable {
        case nothing
        case stopAcceptor
        case stopWorkers(until: SuspendingClock.Instant)
    }

    private(set) var phase = Phase.starting
    private var report = ShutdownReport()
    private var runningCount: Int

    init(workerCount: Int) { runningCount = workerCount }

    /// The fate of messages and connections of all workers; nil before the end.
    var finalReport: ShutdownReport? { if case .stopped(let report) = phase { report } else { nil } }

    mutating func didStart() { phase = .serving }

    /// The pool is told to stop, possibly not for the first time: of several ends, the earliest counts.
    mutating func requestStop(until end: SuspendingClock.Instant) -> Step {
        switch phase {
        case .starting, .stopped:
            return .nothing
        case .serving:
            phase = .stopAccepting(until: end)
            return .stopAcceptor
        case .stopAccepting(let earlier):
            phase = .stopAccepting(until: min(earlier, end))
            return .nothing
        case .stopping(let earlier):
            guard end < earlier else { return .nothing }
            phase = .stopping(until: end)
            return .stopWorkers(until: end)
        }
    }

    /// The acceptor has given the name up and dealt everything: as it was told, or because a successor has the name.
    ///
    /// - Parameter end: how long the workers have in the latter case.
    mutating func acceptorDidStop(handOverEnd end: SuspendingClock.Instant) -> Step {
        switch phase {
        case .starting, .stopping, .stopped:
            return .nothing
        case .serving:
            phase = .stopping(until: end)
            return .stopWorkers(until: end)
        case .stopAccepting(let end):
            phase = .stopping(until: end)
            return .stopWorkers(until: end)
        }
    }

    /// A worker's server has stopped.
    ///
    /// - Returns: whether it was the last one.
    mutating func workerDidStop(_ report: ShutdownReport) -> Bool {
        self.report.add(report)
        runningCount -= 1
        guard runningCount == 0 else { return false }
        switch phase {
        case .starting: return false
        case .serving, .stopAccepting, .stopping:
            phase = .stopped(self.report)
            return true
        case .stopped: preconditionFailure("each worker stops once")
        }
    }
}

extension ShutdownReport {
    /// Adds what happened on another thread at the same time.
    mutating func add(_ other: ShutdownReport) {
        deliveredMessageCount += other.deliveredMessageCount
        sentMessageCount += other.sentMessageCount
        unsentMessageCount += other.unsentMessageCount
        displacedMessageCount += other.displacedMessageCount
        partlySentMessageCount += other.partlySentMessageCount
        endedCounts.merge(other.endedCounts, uniquingKeysWith: +)
        forcedCount += other.forcedCount
        totals.add(other.totals)
        duration = max(duration, other.duration)
    }
}

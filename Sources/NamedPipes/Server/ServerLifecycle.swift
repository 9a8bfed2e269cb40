// SPDX-License-Identifier: Apache-2.0

/// The state of a server between its start and `serverDidStop`: a value, so that it can be tested without a socket or a
/// clock. Its methods say what to do; ``PipeServer`` does it.
///
/// ```
///              beginStopping               finish
///    serving ───────────────────▶ stopping ─────────▶ stopped
/// ```
///
/// The grace period has states of its own. It may begin before the stop: a server that was taken over accepts the
/// waiting clients during the time of its connections. And it may end after the stop, because handlers in tasks
/// continue when their connections have ended.
///
/// ```
///                 limitGrace               endGrace
///    unlimited ──────────────▶ until ────────────────▶ over
///        ▲ │                    │                       ▲
///        │ │    forgetGrace     │                       │
///        └─│────────────────────┘                       │
///          └──────────────── endGrace ──────────────────┘
/// ```
struct ServerLifecycle {
    enum Phase {
        /// The name is held, or was lost to another server; new clients are accepted.
        case serving
        /// The name is given up; connections end one by one.
        case stopping(ShutdownAccount)
        /// The delegate was told, or is about to be in this turn.
        case stopped(ShutdownReport)
    }

    /// How long connections, and the tasks that handle them, may take to finish.
    enum Grace {
        case unlimited
        case until(SuspendingClock.Instant)
        /// Nothing is given any more time.
        case over
    }

    private(set) var phase = Phase.serving
    private(set) var grace = Grace.unlimited

    var isServing: Bool { if case .serving = phase { true } else { false } }

    var isStopping: Bool { if case .stopping = phase { true } else { false } }

    var isStopped: Bool { if case .stopped = phase { true } else { false } }

    var isGraceOver: Bool { if case .over = grace { true } else { false } }

    /// The fate of messages and connections; nil before the end.
    var report: ShutdownReport? { if case .stopped(let report) = phase { report } else { nil } }

    /// Whether a graceful stop begins something, or can shorten the grace period. Once a stop without a limit, or a
    /// forced one, is under way, nothing is left that could be given less time.
    var canStopGracefully: Bool {
        switch (phase, grace) {
        case (.serving, _), (_, .until): true
        case (.stopping, .unlimited), (.stopping, .over), (.stopped, .unlimited), (.stopped, .over): false
        }
    }
}

// MARK: - Stopping

extension ServerLifecycle {
    /// The server was told to stop, gracefully or not.
    ///
    /// - Parameter account: made only if the stop begins.
    /// - Returns: whether the stop begins; if so, the caller gives the name up.
    mutating func beginStopping(_ account: @autoclosure () -> ShutdownAccount) -> Bool {
        switch phase {
        case .serving:
            phase = .stopping(account())
            return true
        case .stopping, .stopped:
            return false
        }
    }

    /// Notes that this many connections are ended before they are done.
    mutating func force(_ connectionCount: Int) {
        changeAccount { $0.force(connectionCount) }
    }

    /// A connection has ended. One that ends before the stop is not part of its report.
    mutating func connectionEnded(_ reason: DisconnectReason.Kind, unsent: Int, hasPartlySent: Bool) {
        changeAccount { $0.connectionEnded(reason, unsent: unsent, hasPartlySent: hasPartlySent) }
    }

    private mutating func changeAccount(_ change: (inout ShutdownAccount) -> Void) {
        switch phase {
        case .stopping(var account):
            change(&account)
            phase = .stopping(account)
        case .serving, .stopped:
            break
        }
    }

    /// The last connection has ended, or there was none.
    mutating func finish(at now: SuspendingClock.Instant, _ traffic: ServerCounts) {
        switch phase {
        case .stopping(let account): phase = .stopped(account.finish(at: now, traffic))
        case .serving, .stopped: preconditionFailure("a server stops once, after it was told to")
        }
    }
}

// MARK: - The grace

extension ServerLifecycle {
    /// - Returns: whether the caller has to set a timer for this end. Of several ends, the earliest counts.
    mutating func limitGrace(to end: SuspendingClock.Instant) -> Bool {
        switch grace {
        case .unlimited:
            grace = .until(end)
            return true
        case .until(let earlier):
            guard end < earlier else { return false }
            grace = .until(end)
            return true
        case .over:
            return false
        }
    }

    /// Everything is ended now.
    ///
    /// - Returns: whether this is the first call; if so, the caller tells the tasks that are being awaited.
    mutating func endGrace() -> Bool {
        guard !isGraceOver else { return false }
        grace = .over
        return true
    }

    /// Nothing is left that a limit could end.
    mutating func forgetGrace() {
        switch grace {
        case .until: grace = .unlimited
        case .unlimited, .over: break
        }
    }
}

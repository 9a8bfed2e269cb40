// SPDX-License-Identifier: Apache-2.0

/// The steps that end a program whose connection has ended: a value without a clock.
///
/// ```
///   running ──connectionDidEnd──▶ asked to go (end of the stream) ──grace──▶ SIGTERM ──period──▶ SIGKILL
///      │                                     │                                 │                  │
///      └──────────────────────────── processDidEnd, in any of these ──────────────────────────────▶ collected
/// ```
struct ChildEnding {
    private enum State {
        case running, closed, terminated, killed
        case collected(ChildExit)
    }

    enum Step: Equatable {
        case nothing
        case wait(Duration)
        case terminate(thenWait: Duration)
        case kill
    }

    private var state = State.running
    private let gracePeriod: Duration
    private let terminationPeriod: Duration

    init(_ command: PipeCommand) {
        gracePeriod = command.gracePeriod
        terminationPeriod = command.terminationPeriod
    }

    var exit: ChildExit? { if case .collected(let exit) = state { exit } else { nil } }

    /// The descriptors of the connection are closed. May be called again.
    mutating func connectionDidEnd() -> Step {
        guard case .running = state else { return .nothing }
        state = .closed
        return .wait(gracePeriod)
    }

    /// The time of the last step has passed.
    mutating func timeDidPass() -> Step {
        switch state {
        case .closed:
            state = .terminated
            return .terminate(thenWait: terminationPeriod)
        case .terminated:
            state = .killed
            return .kill
        case .running, .killed, .collected:
            return .nothing
        }
    }

    /// The process has ended and was collected.
    mutating func processDidEnd(_ exit: ChildExit) { state = .collected(exit) }
}

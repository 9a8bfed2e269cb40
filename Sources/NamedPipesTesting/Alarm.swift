// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Wakes one task once, whether it was told to before or after the task began to wait.
final class Alarm: Sendable {
    private enum State {
        case unset
        case waiting(CheckedContinuation<Void, Never>)
        case rung
    }

    private let state = Mutex(State.unset)

    func set(_ continuation: CheckedContinuation<Void, Never>) {
        let hasRung = state.withLock { state in
            if case .rung = state { return true }
            state = .waiting(continuation)
            return false
        }
        if hasRung { continuation.resume() }
    }

    func ring() {
        let before = state.withLock { state in
            defer { state = .rung }
            return state
        }
        if case .waiting(let continuation) = before { continuation.resume() }
    }
}

/// Rings, at the latest when it is let go: a reactor that ends drops its timers.
final class AlarmRinger: Sendable {
    private let alarm: Alarm

    init(alarm: Alarm) { self.alarm = alarm }

    func ring() { alarm.ring() }

    deinit { alarm.ring() }
}

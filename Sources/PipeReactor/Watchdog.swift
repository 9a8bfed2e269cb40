// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Watches, on its own thread, for callbacks that hold the loop for too long, and reports each while it still does.
///
/// It looks four times within the limit, and not at all while the loop sleeps: the first callback after a sleep wakes
/// it.
final class Watchdog: Sendable {
    struct Running {
        let name: StaticString
        let key: UInt64
        /// Moved forward by the time of callbacks inside it.
        var start: SuspendingClock.Instant
        var isReported = false
    }

    private struct State {
        var running: Running?
        var beginCount = 0
        var isParked = false
        var isStopped = false
        var report: (@Sendable (SlowCallback) -> Void)?
    }

    let limit: Duration
    private let state = Mutex(State())
    private let wakeUp: WakeUp

    init(limit: Duration) throws(SystemError) {
        self.limit = max(limit, .milliseconds(1))
        wakeUp = try WakeUp()
        try SystemThread.startDetached(named: "reactor-watch") { [self] in watch() }
    }

    // MARK: The reactor's side

    /// A callback begins, perhaps inside another one, which is returned.
    func begin(_ callback: Running) -> Running? {
        let (outer, wasParked) = state.withLock { state in
            defer {
                state.running = callback
                state.beginCount &+= 1
                state.isParked = false
            }
            return (state.running, state.isParked)
        }
        if wasParked { wakeUp.signal() }
        return outer
    }

    /// The callback ended, and the surrounding one continues.
    func end(backTo outer: Running?, after time: Duration) {
        var outer = outer
        outer?.start += time
        state.withLock { $0.running = outer }
    }

    func setReport(_ report: @escaping @Sendable (SlowCallback) -> Void) {
        state.withLock { $0.report = report }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        wakeUp.signal()
    }

    // MARK: The thread

    private enum Step {
        case lookLater
        case park
        case report(SlowCallback, @Sendable (SlowCallback) -> Void)
        case end
    }

    private func watch() {
        let pause = Int32(clamping: max(1, (limit / 4).milliseconds))
        var seenCount = 0
        while true {
            switch look(&seenCount) {
            case .lookLater: wait(pause)
            case .park: wait(-1)
            case .report(let callback, let report): report(callback)
            case .end: return
            }
        }
    }

    private func look(_ seenCount: inout Int) -> Step {
        state.withLock { state in
            if state.isStopped { return .end }
            let isIdle = state.running == nil && state.beginCount == seenCount
            seenCount = state.beginCount
            state.isParked = isIdle
            guard let running = state.running else { return isIdle ? .park : .lookLater }
            let time = SuspendingClock.now - running.start
            guard time > limit, !running.isReported, let report = state.report else { return .lookLater }
            state.running?.isReported = true
            return .report(SlowCallback(running.name, running.key, time), report)
        }
    }

    private func wait(_ milliseconds: Int32) {
        wakeUp.wait(atMost: milliseconds)
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Measures how long callbacks take, on a reactor that is configured to (``Reactor/Configuration/measuresCallbacks``).
///
/// A callback inside an event, such as a delegate's, is measured separately, and the event is charged with the rest. So
/// the callback that is named is the one that took the time.
package final class CallbackMeter {
    private let watchdog: Watchdog?
    private var turnStart: SuspendingClock.Instant?
    private var nestedTime = Duration.zero
    private(set) var statistics = Reactor.Statistics()

    /// Nil if nothing is to be measured.
    init?(_ configuration: Reactor.Configuration) throws(SystemError) {
        guard configuration.measuresCallbacks || configuration.callbackTimeLimit != nil else { return nil }
        watchdog = if let limit = configuration.callbackTimeLimit { try Watchdog(limit: limit) } else { nil }
    }

    /// Calls a function, measured under a name.
    ///
    /// - Parameters:
    ///   - name: the name of the callback.
    ///   - key: the connection, or 0.
    package func measure<Result>(_ name: StaticString, _ key: UInt64 = 0, _ body: () -> Result) -> Result {
        let start = SuspendingClock.now
        if turnStart == nil { turnStart = start }
        let outerNestedTime = nestedTime
        nestedTime = .zero
        let outer = watchdog?.begin(Watchdog.Running(name: name, key: key, start: start))
        defer {
            let time = SuspendingClock.now - start
            note(name, key, time - nestedTime)
            nestedTime = outerNestedTime + time
            watchdog?.end(backTo: outer ?? nil, after: time)
        }
        return body()
    }

    private func note(_ name: StaticString, _ key: UInt64, _ time: Duration) {
        if time > statistics.longestCallback?.duration ?? .zero {
            statistics.longestCallback = SlowCallback(name, key, time)
        }
        if let limit = watchdog?.limit, time > limit { statistics.slowCallbackCount += 1 }
    }

    /// All ready events have been handled: events that follow are noticed at once.
    func turnDidEnd() {
        guard let start = turnStart else { return }
        turnStart = nil
        statistics.lastLoopLag = SuspendingClock.now - start
        statistics.maximumLoopLag = max(statistics.maximumLoopLag, statistics.lastLoopLag)
    }

    func setReport(_ report: @escaping @Sendable (SlowCallback) -> Void) { watchdog?.setReport(report) }

    deinit { watchdog?.stop() }
}

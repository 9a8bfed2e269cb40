// SPDX-License-Identifier: Apache-2.0

// Carries out the decisions of BusyPolling.

extension Reactor {
    /// Waits until something has happened, and handles it.
    func wait() {
        guard mayPoll else { return base.dispatch(blocking: true) }
        let start = SuspendingClock.now
        if let end = busyPolling.beginWait(at: start, preemptions: CallingThread.preemptionCount) {
            if poll(until: end) { return }
            busyPolling.pollWasInVain()
            base.dispatch(blocking: true)
        } else {
            base.dispatch(blocking: true)
            busyPolling.didSleep(from: start, to: SuspendingClock.now)
        }
    }

    /// Polls without sleeping. Timers fire meanwhile, and stopping counts as an event.
    ///
    /// - Returns: whether something has happened.
    private func poll(until end: SuspendingClock.Instant) -> Bool {
        base.hasFired = false
        repeat {
            base.dispatch(blocking: false)
            if base.hasFired || executor.isMailWaiting { return true }
        } while SuspendingClock.now < end
        return false
    }
}

// SPDX-License-Identifier: Apache-2.0

// Carries out what BusyPolling decides.

extension Reactor {
    /// Waits until something has happened, and handles what it is.
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

    /// Looks again and again, without sleeping. Timers fire meanwhile, and stopping is an event, too.
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

// SPDX-License-Identifier: Apache-2.0

// Carries out what BusyPolling decides.

extension Reactor {
    /// Waits until something has happened, and handles what it is.
    func wait() {
        guard let busyPolling else { return base.dispatch(blocking: true) }
        let start = SuspendingClock.now
        guard let end = busyPolling.end(ofPollBeginningAt: start) else {
            base.dispatch(blocking: true)
            self.busyPolling?.didSleep(from: start, to: SuspendingClock.now)
            return
        }
        if poll(until: end) {
            self.busyPolling?.pollPaid()
        } else {
            self.busyPolling?.pollWasInVain()
            base.dispatch(blocking: true)
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

// SPDX-License-Identifier: Apache-2.0

/// Whether a wait begins with looking again and again for a while, or sleeps at once: a value, so that it can be tested
/// without a loop or a clock.
///
/// Polling pays where events come soon after one another, so a poll that found something is followed by another. After
/// one in vain, waits sleep at once until enough of them have ended soon; how many that takes is doubled with each
/// further poll in vain, and is one again after a poll that paid. So a reactor with sparse events polls once and then
/// not at all.
///
/// A poll was in vain as well if the thread lost the CPU in between: then another thread needs it, perhaps the very
/// peer that is waited for. With both ends on one CPU, where each poll takes from the peer what it would answer with, a
/// ping-pong kept 0.6 of its rate without this rule, and keeps 0.9 with it.
///
/// The kernel's polling of halted virtual cpus (`halt_poll_ns`, Documentation/virt/kvm/halt-polling.rst) changes the
/// length of its polls by the same evidence: whether one found something, and whether a sleep was shorter than the
/// longest poll. Here it is how often that changes, because what comes after 40 µs is not found in a poll of 10 µs.
package struct BusyPolling {
    /// The longest time from the last event to sleep.
    package let limit: Duration

    /// How many waits have to end soon before the next poll.
    private var soonWaitsNeeded = 0
    /// The price of the next poll in vain, in such waits.
    private var price = 1
    private static let highestPrice = 256

    /// Until the next wait, which judges the poll: how often the thread had lost the CPU when it began.
    private var preemptionsBeforePoll: Int?

    package init(limit: Duration) { self.limit = limit }

    /// The decision for a wait that begins now: the time until which to poll, or nil to sleep at once.
    ///
    /// - Parameter preemptions: how often the thread has lost the CPU. Asked for only where it matters.
    package mutating func beginWait(
        at now: SuspendingClock.Instant, preemptions: () -> Int
    ) -> SuspendingClock.Instant? {
        if let before = preemptionsBeforePoll.take() { judgePoll(wasPreempted: preemptions() > before) }
        guard soonWaitsNeeded == 0 else { return nil }
        preemptionsBeforePoll = preemptions()
        return now + limit
    }

    private mutating func judgePoll(wasPreempted: Bool) {
        if wasPreempted { pollWasInVain() } else { price = 1 }
    }

    /// Nothing came until the end of the poll.
    package mutating func pollWasInVain() {
        preemptionsBeforePoll = nil
        soonWaitsNeeded = price
        price = min(2 * price, Self.highestPrice)
    }

    /// A wait without a poll is over.
    ///
    /// Ten times the limit is soon, because waking up takes time itself, which a poll would have saved: on a busy
    /// virtual machine several times the limit. To be generous costs little, since polls in vain become rare anyway.
    package mutating func didSleep(from start: SuspendingClock.Instant, to end: SuspendingClock.Instant) {
        if soonWaitsNeeded > 0, end - start <= limit * 10 { soonWaitsNeeded -= 1 }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Whether a wait begins with polling for a while, or sleeps at once: a value, so that it can be tested without a loop
/// or a clock.
///
/// Polling pays if events follow each other closely, so a successful poll is followed by another. After an unsuccessful
/// one, waits sleep at once until enough of them have ended soon. That number is doubled with each further unsuccessful
/// poll, and is one again after a successful one. So a reactor with sparse events polls once and then not at all.
///
/// A poll also counts as unsuccessful if the thread lost the CPU meanwhile: then another thread needs it, perhaps the
/// very peer that the poll waits for. With both ends on one CPU, where each poll takes the time that the peer needs for
/// its answer, a ping-pong kept 0.6 of its rate without this rule, and keeps 0.9 with it.
///
/// The kernel's polling of halted virtual CPUs (`halt_poll_ns`, Documentation/virt/kvm/halt-polling.rst) adapts the
/// length of its polls to the same evidence: whether a poll found something, and whether a sleep was shorter than the
/// longest poll. Here the frequency is adapted instead, because an event that comes after 40 µs is not found in a poll
/// of 10 µs.
package struct BusyPolling {
    /// The longest time from the last event to sleep.
    package let limit: Duration

    /// The number of waits that have to end soon before the next poll.
    private var soonWaitsNeeded = 0
    /// The price of the next unsuccessful poll, as a number of such waits.
    private var price = 1
    private static let highestPrice = 256

    /// The number of preemptions when the poll began, until the next wait, which judges the poll.
    private var preemptionsBeforePoll: Int?

    package init(limit: Duration) { self.limit = limit }

    /// The decision for a wait that begins now: the time until which to poll, or nil to sleep at once.
    ///
    /// - Parameter preemptions: how often the thread has lost the CPU. Evaluated only if it matters.
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

    /// The poll ended without an event.
    package mutating func pollWasInVain() {
        preemptionsBeforePoll = nil
        soonWaitsNeeded = price
        price = min(2 * price, Self.highestPrice)
    }

    /// A wait without a poll is over.
    ///
    /// Up to ten times the limit is soon, because waking up takes time itself, which a poll would have saved: several
    /// times the limit on a busy virtual machine. Being generous costs little, because unsuccessful polls become rare
    /// anyway.
    package mutating func didSleep(from start: SuspendingClock.Instant, to end: SuspendingClock.Instant) {
        if soonWaitsNeeded > 0, end - start <= limit * 10 { soonWaitsNeeded -= 1 }
    }
}

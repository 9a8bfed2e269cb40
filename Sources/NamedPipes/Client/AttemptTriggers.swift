// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The timers and watches that make a client try again or give up. Each exists only while an attempt waits for it.
struct AttemptTriggers {
    var deadline: TimeLimit?
    /// For the next connect of an attempt, or for the next attempt.
    var retry: ScheduledWork?
    var watch: ServerWatch?
    /// The connect that waits for its answer; only over a transport.
    var dial: (any PendingDial)?

    mutating func cancelAll() {
        deadline?.cancel()
        retry?.cancel()
        watch?.cancel()
        dial?.cancel()
        self = AttemptTriggers()
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// What makes a client look again, or give up: there while an attempt waits for it, and no longer.
struct AttemptTriggers {
    var deadline: TimeLimit?
    /// For the next look of an attempt, or for the next attempt.
    var retry: ScheduledWork?
    var watch: ServerWatch?

    mutating func cancelAll() {
        deadline?.cancel()
        retry?.cancel()
        watch?.cancel()
        self = AttemptTriggers()
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The kernel's facts about the calling thread.
enum CallingThread {
    /// How often the thread had to leave its CPU to another thread (`ru_nivcsw`, getrusage(2)).
    static func preemptionCount() -> Int {
        var usage = rusage()
        // RUSAGE_THREAD, which Glibc's headers hide without _GNU_SOURCE.
        _ = unsafe getrusage(1, &usage)
        return usage.ru_nivcsw
    }
}

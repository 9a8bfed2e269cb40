// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The wall clock, which may jump: only for comparisons with the times of files, and to tell people when something was.
package enum WallClock {
    /// Seconds since 1970 (`time(2)`).
    static var seconds: Int { time(nil) }

    /// Nanoseconds since 1970 (`CLOCK_REALTIME`, clock_gettime(2)).
    package static var nanoseconds: Int64 { GNUCalls.wallClockNanoseconds }
}

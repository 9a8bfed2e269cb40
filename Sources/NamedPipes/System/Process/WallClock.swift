// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The wall clock, which may jump: only for comparisons with the times of files.
enum WallClock {
    /// Seconds since 1970 (`time(2)`).
    static var seconds: Int { time(nil) }
}

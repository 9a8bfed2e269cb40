// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The clock on the wall, which may jump: only for comparing with the times of files.
enum WallClock {
    /// Seconds since 1970 (`time(2)`).
    static var seconds: Int { time(nil) }
}

// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
internal import Glibc
internal import PipeReactor

// System calls that Swift's Glibc lacks, because it is built without _GNU_SOURCE or without their header; see
// CLibevent.h. Each is the C function and nothing else.

enum GNUCalls {
    /// `timerfd_create(2)` of the monotonic clock, non-blocking and close-on-exec.
    static func makeTimer() -> Int32 { timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK)) }

    /// `timerfd_settime(2)`: fires after the interval, and then repeatedly.
    static func setTimer(_ descriptor: Int32, every interval: timespec) -> Int32 {
        var setting = itimerspec(it_interval: interval, it_value: interval)
        return unsafe timerfd_settime(descriptor, 0, &setting, nil)
    }

    /// `statx(2)` of an open descriptor with `AT_STATX_DONT_SYNC`: the mode and the number of names as the kernel knows
    /// them, without asking the file's implementation. Nil if the kernel does not say.
    static func status(of descriptor: Int32) -> (mode: UInt32, linkCount: UInt32)? {
        let (emptyPath, dontSync, modeAndLinkCount): (Int32, Int32, UInt32) = (0x1000, 0x4000, 0x0007)
        var status = statx()
        let result = attemptCall("statx") {
            unsafe statx(descriptor, "", emptyPath | dontSync, modeAndLinkCount, &status)
        }
        return result == nil ? nil : (UInt32(status.stx_mode), status.stx_nlink)
    }

    /// `renameat2(2)` with RENAME_EXCHANGE.
    static func exchange(_ name: String, _ other: String, in directory: Int32) -> Int32 {
        let exchange: UInt32 = 2
        return unsafe renameat2(directory, name, directory, other, exchange)
    }
}

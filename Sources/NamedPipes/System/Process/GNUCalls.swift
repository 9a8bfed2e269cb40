// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
internal import Glibc

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

    /// `renameat2(2)` with RENAME_EXCHANGE.
    static func exchange(_ name: String, _ other: String, in directory: Int32) -> Int32 {
        let exchange: UInt32 = 2
        return unsafe renameat2(directory, name, directory, other, exchange)
    }

    /// `sched_getaffinity(2)` of this process: the number of processors that it may use; nil if there are more than
    /// 1,024 in the machine.
    static func usableProcessorCount() -> Int? {
        var mask = [UInt64](repeating: 0, count: 16)
        guard unsafe sched_getaffinity(0, mask.count * MemoryLayout<UInt64>.stride, &mask) == 0 else { return nil }
        return mask.reduce(0) { $0 + $1.nonzeroBitCount }
    }
}

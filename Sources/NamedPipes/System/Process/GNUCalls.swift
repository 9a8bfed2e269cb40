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

    /// `preadv2(2)` of one piece, a `struct iovec`, at the description's own offset, with RWF_NOWAIT.
    static func readWithoutWaiting(_ descriptor: Int32, _ piece: UnsafeRawPointer) -> Int {
        unsafe preadv2(descriptor, piece, 1, -1, noWait)
    }

    /// `pwritev2(2)` of one piece, a `struct iovec`, at the description's own offset, with RWF_NOWAIT and RWF_NOSIGNAL
    /// (Linux 6.18).
    static func writeWithoutWaiting(_ descriptor: Int32, _ piece: UnsafeRawPointer) -> Int {
        unsafe pwritev2(descriptor, piece, 1, -1, noWait | noSignal)
    }

    // linux/fs.h
    private static let noWait: Int32 = 0x08
    private static let noSignal: Int32 = 0x100
}

// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
internal import Glibc
internal import PipeReactor

// System calls that Swift's Glibc lacks, because it is built without _GNU_SOURCE or without their header; see
// CLibevent.h. Each is the C function and nothing else.

enum GNUCalls {
    /// `timerfd_create(2)` of the monotonic clock, non-blocking and close-on-exec.
    static func makeTimer() -> Int32 { timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK)) }

    /// `timerfd_settime(2)`: fires after the interval, and then repeatedly; never for 0 seconds.
    static func setTimer(_ descriptor: Int32, everySeconds seconds: Int) -> Int32 {
        let interval = timespec(tv_sec: seconds, tv_nsec: 0)
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

    /// `clock_gettime(2)` of `CLOCK_REALTIME`, in nanoseconds since 1970. Glibc has it, but `timespec` belongs to
    /// CLibevent's module in a package that imports that first.
    static var wallClockNanoseconds: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// `pipe2(2)`, close-on-exec.
    static func makePipe(_ ends: UnsafeMutablePointer<Int32>) -> Int32 { unsafe pipe2(ends, O_CLOEXEC) }

    /// `posix_spawn_file_actions_addclosefrom_np(3)`.
    static func addCloseFrom(_ actions: UnsafeMutableRawPointer, _ first: Int32) {
        _ = unsafe posix_spawn_file_actions_addclosefrom_np(actions, first)
    }

    /// `posix_spawn_file_actions_addchdir_np(3)`. Returns 0, or `ENOMEM`.
    static func addChangeOfDirectory(_ actions: UnsafeMutableRawPointer, _ path: String) -> Int32 {
        unsafe posix_spawn_file_actions_addchdir_np(actions, path)
    }

    /// `pidfd_open(2)`, close-on-exec.
    static func openProcess(_ process: Int32) -> Int32 { named_pipes_pidfd_open(process) }

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

    /// `sched_getaffinity(2)` of this process: the number of processors that it may use; nil if there are more than
    /// 1,024 in the machine.
    static func usableProcessorCount() -> Int? {
        var mask = [UInt64](repeating: 0, count: 16)
        guard unsafe sched_getaffinity(0, mask.count * MemoryLayout<UInt64>.stride, &mask) == 0 else { return nil }
        return mask.reduce(0) { $0 + $1.nonzeroBitCount }
    }
}

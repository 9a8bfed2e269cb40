// SPDX-License-Identifier: Apache-2.0
internal import CProgram
internal import Glibc
package import NamedPipes

/// Calls a function at times of the monotonic clock, to the microsecond (`timerfd_create(2)`). The reactor's own timers
/// are only as precise as the kernel's tick. It belongs to the reactor's thread.
package final class PreciseTimer {
    private let descriptor: Int32
    private var watch: DescriptorWatch?

    /// - Parameters:
    ///   - reactor: the reactor of this thread.
    ///   - handler: called on the reactor's thread, once for each ``fire(at:)``.
    /// - Throws: the error of the system call, such as `EMFILE`.
    package init(_ reactor: Reactor, handler: @escaping () -> Void) throws(SystemError) {
        let descriptor = program_open_timer()
        guard descriptor >= 0 else { throw SystemError(call: "timerfd_create", code: errno) }
        self.descriptor = descriptor
        do {
            watch = try reactor.watch(descriptor, for: .reading) {
                var count: UInt64 = 0
                // Nothing to read if it has been set again meanwhile.
                guard unsafe read(descriptor, &count, 8) == 8 else { return }
                handler()
            }
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit {
        watch?.cancel()
        close(descriptor)
    }

    /// Sets the time of the next call, in place of an earlier setting.
    ///
    /// - Parameter nanoseconds: on the clock of ``MonotonicTime``; a past time means at once.
    package func fire(at nanoseconds: Int) { _ = program_set_timer(descriptor, Int64(nanoseconds)) }
}

/// The monotonic clock as a number, for what is measured once for each message.
package enum MonotonicTime {
    /// Nanoseconds, `CLOCK_MONOTONIC` of clock_gettime(2).
    package static var nanoseconds: Int { read(CLOCK_MONOTONIC) }

    /// The CPU time that the calling thread has used, in nanoseconds (`CLOCK_THREAD_CPUTIME_ID`).
    package static var threadNanoseconds: Int { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Int {
        var time = timespec()
        _ = unsafe clock_gettime(clock, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}

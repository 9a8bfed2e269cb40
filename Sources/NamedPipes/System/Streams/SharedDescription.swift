// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// The calls on a descriptor whose open file description (open(2)) other processes may share.
enum SharedDescription {
    /// `PIPE_BUF`: a pipe that reports room has room for that many bytes.
    static let atomicByteCount = 4096

    /// Whether a read or write returns at once (`poll(2)`): it has bytes, room, or an end or error to report.
    static func isReady(_ descriptor: Int32, for events: Int32) throws(SystemError) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return try systemCall("poll") { unsafe poll(&entry, 1, 0) } == 1
    }

    /// A description of our own of a terminal; nil if it may not be opened, as after `su`, or if there is no `/proc`.
    static func reopened(_ terminal: Int32) -> OwnedDescriptor? {
        let access = accessMode(of: terminal)
        let number = attemptCall("open") {
            unsafe open("/proc/self/fd/\(terminal)", access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        }
        return number.map { OwnedDescriptor(taking: $0) }
    }

    /// `O_RDONLY`, `O_WRONLY` or `O_RDWR` (`fcntl(2)`, `F_GETFL`). The descriptor must be open.
    static func accessMode(of descriptor: Int32) -> Int32 {
        infallibleCall("fcntl") { fcntl(descriptor, F_GETFL) }.map { $0 & O_ACCMODE } ?? O_RDONLY
    }

    /// The reason why the first cannot be read or the second not written; nil if they can.
    static func problem(reading input: Int32, writing output: Int32) -> UnusableConnection? {
        for number in [input, output] where !InheritedSocket.isOpen(number) { return .notOpen(descriptor: number) }
        if accessMode(of: input) == O_WRONLY { return .notReadable(descriptor: input) }
        return accessMode(of: output) == O_RDONLY ? .notWritable(descriptor: output) : nil
    }

    /// `preadv2(2)` with `RWF_NOWAIT`.
    static func readWithoutWaiting(_ descriptor: Int32, _ space: UnsafeMutableRawBufferPointer) -> Int {
        var piece = unsafe iovec(iov_base: space.baseAddress, iov_len: space.count)
        return unsafe GNUCalls.readWithoutWaiting(descriptor, &piece)
    }

    /// `pwritev2(2)` with `RWF_NOWAIT` and `RWF_NOSIGNAL`.
    static func writeWithoutWaiting(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        var piece = unsafe iovec(iov_base: start, iov_len: bytes.count)
        return unsafe GNUCalls.writeWithoutWaiting(descriptor, &piece)
    }

    /// How many bytes in a pipe no process has read (`FIONREAD`, which works at both ends); 0 if it cannot be asked.
    static func unreadByteCount(_ descriptor: Int32) -> Int {
        var count: Int32 = 0
        return attemptCall("ioctl") { unsafe ioctl(descriptor, UInt(FIONREAD), &count) } == nil ? 0 : Int(count)
    }

    /// A second descriptor of the same description, close-on-exec, beyond the standard streams.
    static func duplicate(_ descriptor: Int32, from minimum: Int32 = 3) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(taking: try systemCall("fcntl") { fcntl(descriptor, F_DUPFD_CLOEXEC, minimum) })
    }

    /// Makes one number mean what another does (`dup2(2)`), atomically. It is inherited across exec.
    static func redirect(_ number: Int32, to other: Int32) throws(SystemError) {
        _ = try systemCall("dup2") { dup2(other, number) }
    }

    /// /dev/null, for reading and writing.
    static func nothing() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(taking: try systemCall("open") { unsafe open("/dev/null", O_RDWR | O_CLOEXEC) })
    }
}

/// Makes a write that reports a missing reader by EPIPE alone. SIGPIPE, which would end a process that has not changed
/// it, is blocked in this thread meanwhile (pthread_sigmask(3)), and taken back if this write raised it: it goes to the
/// thread that writes.
func withoutPipeSignal<Result>(_ write: () throws(SystemError) -> Result) throws(SystemError) -> Result {
    var (pipe, before, pending) = (sigset_t(), sigset_t(), sigset_t())
    unsafe sigemptyset(&pipe)
    unsafe sigaddset(&pipe, SIGPIPE)
    unsafe pthread_sigmask(SIG_BLOCK, &pipe, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    unsafe sigpending(&pending)
    let wasPending = unsafe sigismember(&pending, SIGPIPE) == 1
    do {
        return try write()
    } catch {
        unsafe sigpending(&pending)
        // Not pending if the process ignores it.
        if !wasPending, unsafe sigismember(&pending, SIGPIPE) == 1 {
            var number: Int32 = 0
            unsafe sigwait(&pipe, &number)
        }
        throw error
    }
}

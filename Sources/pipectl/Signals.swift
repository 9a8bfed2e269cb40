// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes

/// SIGINT and SIGTERM as events of the reactor: the library leaves signals to programs, and this program does it so.
///
/// Both are blocked in all our threads. One thread does nothing but wait for them, and writes a byte into a pipe whose other
/// end the reactor watches. Threads of others may let them through while they wait (those of swift-subprocess do, with
/// epoll_pwait(2)): there a handler writes the byte, and does nothing else.
final class Signals {
    private let watch: DescriptorWatch

    /// At the very beginning, before there is a second thread. Writing to a reader that has gone becomes an error instead
    /// of the end of the process: a server then still takes its name back.
    static func prepare() {
        var set = waited
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// - Parameter handler: called on the reactor's thread, with 1 for the first signal, 2 for the second, and so on.
    init(_ reactor: Reactor, handler: @escaping (_ count: Int) -> Void) throws {
        let (reading, writing) = try makePipe()
        var count = 0
        watch = try reactor.watch(reading, for: .reading) {
            var byte: UInt8 = 0
            guard unsafe read(reading, &byte, 1) == 1 else { return }
            count += 1
            handler(count)
        }
        try Self.startWaiting(writing)
        unsafe handlersPipe = writing
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in
                let before = errno
                var byte: UInt8 = 1
                _ = unsafe write(handlersPipe, &byte, 1)
                errno = before
            }
        }
    }

    private static var waited: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGINT)
        unsafe sigaddset(&set, SIGTERM)
        return set
    }

    private static func startWaiting(_ descriptor: Int32) throws {
        var thread = pthread_t()
        // A descriptor fits into a pointer; 1 is added because 0 would be none.
        let argument = unsafe UnsafeMutableRawPointer(bitPattern: Int(descriptor) + 1)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                Signals.waitForEver(Int32(Int(bitPattern: argument) - 1))
            }, argument)
        guard code == 0 else { throw SystemError(call: "pthread_create", code: code) }
        pthread_detach(thread)
    }

    private static func waitForEver(_ descriptor: Int32) -> Never {
        var set = waited
        var number: Int32 = 0
        var byte: UInt8 = 1
        while true {
            if unsafe sigwait(&set, &number) == 0 { _ = unsafe write(descriptor, &byte, 1) }
        }
    }
}

/// Where the handler writes. Written once, before there is a handler that reads it; a lock could not be taken there.
nonisolated(unsafe) private var handlersPipe: Int32 = -1

/// A pipe whose ends no child process inherits.
func makePipe() throws(SystemError) -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw SystemError(call: "pipe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
}

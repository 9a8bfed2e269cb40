// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// SIGINT, SIGTERM and SIGHUP as events of the reactor: the thread that waits for them (``StopSignals``) writes a byte
/// into a pipe whose other end the reactor watches.
final class Signals {
    private let watch: DescriptorWatch

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
        try StopSignals.wait { _, _ in
            var byte: UInt8 = 1
            // The pipe takes 65,536 signals before it is full, which is enough.
            _ = unsafe write(writing, &byte, 1)
        }
    }
}

/// A pipe whose ends no child process inherits.
func makePipe() throws(SystemError) -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw SystemError(call: "pipe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
}

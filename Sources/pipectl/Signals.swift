// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram
internal import Synchronization

/// SIGINT, SIGTERM and SIGHUP as events of the reactor: the thread that waits for them (``StopSignals``) writes a byte
/// into a pipe whose other end the reactor watches. If the reactor's thread is blocked, the second signal ends the
/// program by itself.
final class Signals {
    private let watch: DescriptorWatch

    /// - Parameter handler: called on the reactor's thread, with 1 for the first signal, 2 for the second, and so on.
    init(_ reactor: Reactor, handler: @escaping (_ count: Int) -> Void) throws {
        let (reading, writing) = try makePipe()
        let handled = HandledSignals()
        var count = 0
        watch = try reactor.watch(reading, for: .reading) {
            var byte: UInt8 = 0
            guard unsafe read(reading, &byte, 1) == 1 else { return }
            count += 1
            handled.count.store(count, ordering: .relaxed)
            handler(count)
        }
        try StopSignals.wait { number, count in
            var byte: UInt8 = 1
            // The pipe takes 65,536 signals before it is full, which is enough.
            _ = unsafe write(writing, &byte, 1)
            if count > 1, handled.isBlocked(before: count) { StopSignals.die(by: number) }
        }
    }
}

/// How many signals the reactor's thread has begun to handle. It handles none while it is in a write to an output whose
/// reader has stopped.
private final class HandledSignals: Sendable {
    let count = Atomic(0)

    /// Whether a signal is not handled because a write does not return: for a whole second, so that a slow machine is
    /// not taken for a stopped reader. For the thread that waits for signals, which has nothing else to do.
    func isBlocked(before number: Int) -> Bool {
        var (since, endedCount) = (ContinuousClock.now, OngoingWrites.endedCountWhileAny)
        while count.load(ordering: .relaxed) < number {
            let now = OngoingWrites.endedCountWhileAny
            if now == nil || now != endedCount { (since, endedCount) = (.now, now) }
            if ContinuousClock.now - since > .seconds(1) { return true }
            usleep(10_000)
        }
        return false
    }
}

/// A pipe whose ends no child process inherits.
func makePipe() throws(SystemError) -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw SystemError(call: "pipe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
}

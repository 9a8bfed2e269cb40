// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// Our end of a pipe to or from a child, for `async` code on the reactor's thread. One task at a time reads or writes.
final class ChildPipe {
    private let reactor: Reactor
    private var descriptor: Int32
    private var watch: DescriptorWatch?
    private var timer: ScheduledWork?
    private var waiter: CheckedContinuation<Void, Never>?
    /// Whether the remaining writers do not matter: the bytes that are in the pipe are the last.
    private var endsWhenEmpty = false

    /// - Parameter descriptor: a descriptor to own, which is made non-blocking.
    init(_ reactor: Reactor, _ descriptor: Int32) {
        self.reactor = reactor
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit { close() }

    /// Closes it. A task that is reading or writing returns with the end.
    func close() {
        guard descriptor >= 0 else { return }
        wake()
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// From now on, reading ends instead of waiting: a process that has left the group may hold the other end open for
    /// ever.
    func endWhenEmpty() {
        endsWhenEmpty = true
        wake()
    }

    /// Waits for bytes and returns those that are there; empty at the end.
    nonisolated(nonsending) func read() async throws(SystemError) -> [UInt8] {
        while descriptor >= 0 {
            if let bytes = try readSome(descriptor, atMost: 64 << 10) { return bytes }
            if endsWhenEmpty { break }
            try await waitUntilReady(.reading)
        }
        return []
    }

    /// Writes all bytes, waiting for room.
    ///
    /// - Parameters:
    ///   - interval: how often to check while there is no room.
    ///   - isHopeless: called with the time for which there was no room.
    /// - Returns: false if the pipe has no reader any more, or it was closed or hopeless.
    nonisolated(nonsending) func write(
        _ bytes: [UInt8], asking interval: Duration, isHopeless: nonisolated(nonsending) (Duration) async -> Bool
    ) async throws(SystemError) -> Bool {
        var rest = bytes[...]
        var lastProgress = SuspendingClock.now
        while !rest.isEmpty {
            guard descriptor >= 0 else { return false }
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
                lastProgress = .now
            } else if errno == EAGAIN {
                try await waitUntilReady(.writing, atMost: interval)
                if await isHopeless(.now - lastProgress) { return false }
            } else if errno == EPIPE {
                return false
            } else if errno != EINTR {
                throw SystemError(call: "write", code: errno)
            }
        }
        return true
    }

    private nonisolated(nonsending) func waitUntilReady(
        _ direction: DescriptorWatch.Direction, atMost limit: Duration? = nil
    ) async throws(SystemError) {
        watch = try reactor.watch(descriptor, for: direction) { [unowned self] in wake() }
        timer = limit.map { reactor.schedule(after: $0) { [weak self] in self?.wake() } }
        await withCheckedContinuation { waiter = $0 }
    }

    private func wake() {
        watch.take()?.cancel()
        timer.take()?.cancel()
        waiter.take()?.resume()
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// Sends back what it receives, as a delegate does that computes for each message, or that blocks at some.
final class BusyEcho: PipeServerDelegate {
    private let nanoseconds: Int
    private let holdMicroseconds: UInt32

    private static let trigger = Array("hold".utf8)

    init(microseconds: Int, holdMilliseconds: Int) {
        nanoseconds = microseconds * 1000
        holdMicroseconds = UInt32(holdMilliseconds * 1000)
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        if holdMicroseconds > 0, isTrigger(message) { usleep(holdMicroseconds) } else { work() }
        _ = try? connection.send(message)
    }

    private func isTrigger(_ message: Span<UInt8>) -> Bool {
        message.count >= Self.trigger.count && Self.trigger.indices.allSatisfy { message[$0] == Self.trigger[$0] }
    }

    /// Takes CPU time, not time: what other programs take meanwhile does not count as work.
    private func work() {
        guard nanoseconds > 0 else { return }
        let end = Self.threadTime() + nanoseconds
        while Self.threadTime() < end {}
    }

    private static func threadTime() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}

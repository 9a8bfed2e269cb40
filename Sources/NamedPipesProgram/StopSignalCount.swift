// SPDX-License-Identifier: Apache-2.0

/// Counts signals that ask a program to stop: the first asks it to end in order, the second at once.
///
/// One request may arrive as several signals. timeout(1) sends SIGTERM to its child, and then to its process group, to
/// which the child belongs; a terminal that closes sends SIGHUP, and so does its shell. If each of them counted, there
/// would be no time to end in order. So those that come within half a second of one that counted belong to it. That is
/// longer than a busy machine needs to deliver them, and shorter than a person takes to lose patience.
package struct StopSignalCount {
    /// How long signals belong to the one before.
    package static let interval = Duration.milliseconds(500)

    private var count = 0
    private var last: Duration?

    package init() {}

    /// A signal has come.
    ///
    /// - Parameter time: when, on a clock of the caller's that never goes back.
    /// - Returns: how many there have been with it; nil if it belongs to the last one.
    package mutating func next(at time: Duration) -> Int? {
        if let last, time - last < Self.interval { return nil }
        last = time
        count += 1
        return count
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The attempts to send descriptors while too many of this user are on their way (`ETOOMANYREFS`): a value. No event
/// reports that some have arrived, so the connection tries again at growing intervals, and gives up after
/// ``limit`` attempts in a row, about ten seconds.
struct SendRetries {
    private var count = 0

    static let limit = 85
    private static let longest = Duration.milliseconds(128)

    /// After a failed attempt: when to try again; nil to give up.
    mutating func next() -> Duration? {
        guard count < Self.limit else { return nil }
        defer { count += 1 }
        return count < 7 ? .milliseconds(1 << count) : Self.longest
    }

    /// After an attempt that succeeded.
    mutating func reset() { count = 0 }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A time of the day as a person's clock shows it, with microseconds: `12:03:04.123456`.
struct ClockTime: CustomStringConvertible {
    let description: String

    /// - Parameter nanoseconds: since 1970-01-01 UTC.
    init(_ nanoseconds: Int64) {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        var time = time_t(seconds)
        var parts = unsafe tm()
        // localtime_r(3) fails for years beyond the range of an Int32 only.
        _ = unsafe localtime_r(&time, &parts)
        let clock = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Self.padded(Int64($0), 2) }
        description = clock.joined(separator: ":") + "." + Self.microseconds(rest)
    }

    /// The microseconds of a second, as the digits behind its point.
    static func microseconds(_ nanoseconds: Int64) -> String { padded(max(0, nanoseconds) / 1000, 6) }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

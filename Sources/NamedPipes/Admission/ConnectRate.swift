// SPDX-License-Identifier: Apache-2.0

/// The rate at which one user may connect: the size of a burst, and the rate in the long run (a token bucket).
public struct ConnectRate: Hashable, Sendable {
    /// The number of connects at once, after a pause. At least 1.
    public let burst: Int

    /// The number of connects a second in the long run. At least one a day, at most a million a second.
    public let perSecond: Double

    /// Creates a rate. Values beyond the limits count as the nearest limit.
    ///
    /// - Parameters:
    ///   - burst: the number of connects at once; at least 1.
    ///   - perSecond: the number of connects a second in the long run.
    public init(burst: Int, perSecond: Double) {
        self.burst = min(max(burst, 1), 1_000_000)
        self.perSecond = perSecond >= 1 / 86_400 ? min(perSecond, 1_000_000) : 1 / 86_400
    }
}

/// A token bucket that is stored as one moment: the time at which it will be full again. So a full bucket need not be
/// stored at all, and nothing has to be refilled. ("Virtual scheduling", as in the generic cell rate algorithm of ITU-T
/// I.371.)
struct TokenBucket: Sendable {
    private var fullAt: SuspendingClock.Instant

    /// A full bucket.
    init(at now: SuspendingClock.Instant) { fullAt = now }

    /// Takes a token. Returns false if there is none, and changes nothing then.
    mutating func take(_ pace: Pace, at now: SuspendingClock.Instant) -> Bool {
        let next = max(fullAt, now) + pace.interval
        guard next - now <= pace.timeToFill else { return false }
        fullAt = next
        return true
    }

    /// The common parameters of all buckets of one rate.
    struct Pace: Sendable {
        /// The time in which one token is refilled.
        let interval: Duration
        /// The time in which all of them are.
        let timeToFill: Duration

        init(_ rate: ConnectRate) {
            // In whole nanoseconds, so that the sum of the intervals is exactly the time to fill.
            interval = .nanoseconds(Int64(1e9 / rate.perSecond))
            timeToFill = interval * rate.burst
        }
    }
}

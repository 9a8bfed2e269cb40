// SPDX-License-Identifier: Apache-2.0

/// The rate at which one user may connect: a number of times at once, and a number of times a second in the long run (a
/// token bucket).
public struct ConnectRate: Hashable, Sendable {
    /// How many times at once, after a pause. At least 1.
    public let burst: Int

    /// How many times a second in the long run. At least once a day, at most a million times.
    public let perSecond: Double

    /// Makes a rate. What is outside of the limits counts as the nearest limit.
    ///
    /// - Parameters:
    ///   - burst: how many times at once; at least 1.
    ///   - perSecond: how many times a second in the long run.
    public init(burst: Int, perSecond: Double) {
        self.burst = min(max(burst, 1), 1_000_000)
        self.perSecond = perSecond >= 1 / 86_400 ? min(perSecond, 1_000_000) : 1 / 86_400
    }
}

/// A token bucket that is one moment: when it will be full again. Then a full one needs not be kept at all, and nothing
/// has to be refilled. ("Virtual scheduling", as in the generic cell rate algorithm of ITU-T I.371.)
struct TokenBucket {
    private var fullAt: SuspendingClock.Instant

    /// A full one.
    init(at now: SuspendingClock.Instant) { fullAt = now }

    /// Takes a token; false if there is none, which costs nothing.
    mutating func take(_ pace: Pace, at now: SuspendingClock.Instant) -> Bool {
        let next = max(fullAt, now) + pace.interval
        guard next - now <= pace.timeToFill else { return false }
        fullAt = next
        return true
    }

    /// The common parameters of all buckets of one rate.
    struct Pace {
        /// The time that one token takes.
        let interval: Duration
        /// The time that all of them take.
        let timeToFill: Duration

        init(_ rate: ConnectRate) {
            // In whole nanoseconds: then the sum of the intervals is exactly the time to fill.
            interval = .nanoseconds(Int64(1e9 / rate.perSecond))
            timeToFill = interval * rate.burst
        }
    }
}

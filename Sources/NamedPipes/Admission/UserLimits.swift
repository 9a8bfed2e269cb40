// SPDX-License-Identifier: Apache-2.0

/// The number of connections of each user, and the rate at which each connects: a value that receives the time as an
/// argument. Every query takes constant time, however many users and connections there are.
///
/// Its memory is bounded by the open connections and by ``bucketLimit`` users who connected recently. A user who has no
/// open connection and has not connected for long is not remembered at all.
struct UserLimits: Sendable {
    private let maximumCount: Int
    private let pace: TokenBucket.Pace?
    private var openCounts: [UInt32: Int] = [:]

    // Two generations. A user who does not connect for as long as a bucket takes to fill has a full bucket, and may be
    // forgotten. So the elder generation is dropped whole once that time has passed.
    private var buckets: [UInt32: TokenBucket] = [:]
    private var elderBuckets: [UInt32: TokenBucket] = [:]
    private var generationEnd: SuspendingClock.Instant?

    /// More users than that in one generation end it early: it is better to forgive a few users than to give memory to
    /// an owner of many user IDs (`subuid(5)`).
    static let bucketLimit = 16_384

    init(maximumCount: Int, rate: ConnectRate?) {
        self.maximumCount = maximumCount
        pace = rate.map(TokenBucket.Pace.init)
    }

    /// The reason why a user may not have another connection, or nil. If nil, the attempt counts for the user's rate.
    mutating func refusal(of user: UInt32, at now: SuspendingClock.Instant) -> ConnectionRefusal? {
        guard openCounts[user, default: 0] < maximumCount else { return .userConnectionLimit }
        guard let pace, !take(user, pace, now) else { return nil }
        return .userConnectRate
    }

    mutating func didOpen(_ user: UInt32) { openCounts[user, default: 0] += 1 }

    mutating func didClose(_ user: UInt32) {
        guard let index = openCounts.index(forKey: user) else { return }
        if openCounts.values[index] > 1 { openCounts.values[index] -= 1 } else { openCounts.remove(at: index) }
    }

    /// The number of users that it remembers.
    var rememberedUserCount: Int { openCounts.count + buckets.count + elderBuckets.count }

    private mutating func take(_ user: UInt32, _ pace: TokenBucket.Pace, _ now: SuspendingClock.Instant) -> Bool {
        if now >= generationEnd ?? now || buckets.count >= Self.bucketLimit {
            elderBuckets = buckets
            buckets = [:]
            generationEnd = now + pace.timeToFill
        }
        return buckets[user, default: elderBuckets[user] ?? TokenBucket(at: now)].take(pace, at: now)
    }
}

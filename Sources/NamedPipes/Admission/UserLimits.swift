// SPDX-License-Identifier: Apache-2.0

/// The number of connections of each user, and the rate at which each connects: a value that receives the time as an
/// argument. Every query takes constant time, however many users and connections there are.
///
/// Its memory is bounded by the open connections and by ``bucketLimit`` users who connected recently. A user who has no
/// open connection and has not connected for long is not remembered at all.
struct UserLimits: Sendable {
    private var maximumCount: Int?
    private var rate: ConnectRate?
    private var pace: TokenBucket.Pace?
    private var openCounts = UserCounts()

    // Two generations. A user who does not connect for as long as a bucket takes to fill has a full bucket, and may be
    // forgotten. So the elder generation is dropped whole once that time has passed.
    private var buckets: [UInt32: TokenBucket] = [:]
    private var elderBuckets: [UInt32: TokenBucket] = [:]
    private var generationEnd: SuspendingClock.Instant?

    /// More users than that in one generation end it early: it is better to forgive a few users than to give memory to
    /// an owner of many user IDs (`subuid(5)`).
    static let bucketLimit = 16_384

    /// - Parameters:
    ///   - maximumCount: the maximum number of connections of each user; nil if it is not limited.
    ///   - rate: how often each user may connect; nil if it is not limited.
    init(maximumCount: Int?, rate: ConnectRate?) {
        self.maximumCount = maximumCount
        self.rate = rate
        pace = rate.map(TokenBucket.Pace.init)
    }

    /// Whether any user can be refused.
    var areLimiting: Bool { maximumCount != nil || pace != nil }

    /// The reason why a user may not have another connection, or nil. If nil, the attempt counts for the user's rate.
    ///
    /// - Parameter now: the time, evaluated only if rates are limited.
    mutating func refusal(of user: UInt32, at now: @autoclosure () -> SuspendingClock.Instant) -> ConnectionRefusal? {
        if let maximumCount, openCounts[user] >= maximumCount { return .userConnectionLimit }
        guard let pace, !take(user, pace, now()) else { return nil }
        return .userConnectRate
    }

    mutating func didOpen(_ user: UInt32) { openCounts.add(user) }

    mutating func didClose(_ user: UInt32) { openCounts.remove(user) }

    /// Takes over other limits. The open connections stay counted. If the rate changes, every user begins with a full
    /// bucket, because what was taken at the old rate says nothing about the new one.
    mutating func follow(_ new: UserLimits) {
        maximumCount = new.maximumCount
        guard rate != new.rate else { return }
        (rate, pace, generationEnd) = (new.rate, new.pace, nil)
        (buckets, elderBuckets) = ([:], [:])
    }

    /// The number of users that it remembers.
    var rememberedUserCount: Int { openCounts.userCount + buckets.count + elderBuckets.count }

    private mutating func take(_ user: UInt32, _ pace: TokenBucket.Pace, _ now: SuspendingClock.Instant) -> Bool {
        if now >= generationEnd ?? now || buckets.count >= Self.bucketLimit {
            elderBuckets = buckets
            buckets = [:]
            generationEnd = now + pace.timeToFill
        }
        return buckets[user, default: elderBuckets[user] ?? TokenBucket(at: now)].take(pace, at: now)
    }
}

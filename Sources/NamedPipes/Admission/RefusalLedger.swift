// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Counts the clients that were turned away, by reason and by user, and decides which of them the delegate hears of: a
/// value, with the time passed in. An attacker must not be able to fill a log.
struct RefusalLedger {
    private(set) var counts = CaseCounts<ConnectionRefusal>()
    private(set) var countsByUser: [UInt32: Int] = [:]
    private var limiters: [ConnectionRefusal: ReportLimiter] = [:]

    /// How many users are counted one by one. Those who come later count in the totals only.
    static let userLimit = 1024

    /// Counts one client.
    ///
    /// - Returns: what the delegate is to hear, if anything.
    mutating func count(
        _ refusal: ConnectionRefusal, of peer: PeerCredentials?, _ error: SystemError? = nil,
        at now: SuspendingClock.Instant
    ) -> RefusalReport? {
        counts.count(refusal.rawValue)
        if let user = peer?.userID, countsByUser.count < Self.userLimit || countsByUser[user] != nil {
            countsByUser[user, default: 0] += 1
        }
        guard let suppressed = limiters[refusal, default: ReportLimiter(refusal, at: now)].suppressedCount(at: now)
        else { return nil }
        return RefusalReport(refusal: refusal, peer: peer, error: error, suppressedCount: suppressed)
    }

    /// Whether the delegate is to be told that no client can be accepted: once a second at most, together with those
    /// who were turned away for want of descriptors.
    mutating func mayTellOfFailure(at now: SuspendingClock.Instant) -> Bool {
        limiters[.descriptorLimit, default: ReportLimiter(.descriptorLimit, at: now)].mayTell(at: now)
    }
}

/// Lets reports through at a bounded rate, and counts the others.
struct ReportLimiter {
    private let pace: TokenBucket.Pace
    private var bucket: TokenBucket
    private var suppressed = 0

    /// Ten in any second: five at once, and five in the course of it. One where the process is out of descriptors,
    /// which is one event and not the doing of those who are turned away.
    init(_ refusal: ConnectionRefusal, at now: SuspendingClock.Instant) {
        let rate = refusal == .descriptorLimit ? 1 : 5
        pace = TokenBucket.Pace(ConnectRate(burst: rate, perSecond: Double(rate)))
        bucket = TokenBucket(at: now)
    }

    /// Whether something else may be told in the place of a report.
    mutating func mayTell(at now: SuspendingClock.Instant) -> Bool { bucket.take(pace, at: now) }

    /// How many were suppressed since the last that was let through; nil if this one is to be suppressed.
    mutating func suppressedCount(at now: SuspendingClock.Instant) -> Int? {
        guard mayTell(at: now) else {
            suppressed += 1
            return nil
        }
        defer { suppressed = 0 }
        return suppressed
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Counts the refused clients, by reason and by user, and decides which of them are reported to the delegate: a value
/// that receives the time as an argument. An attacker must not be able to fill a log.
struct RefusalLedger {
    private(set) var counts = CaseCounts<ConnectionRefusal>()
    private(set) var countsByUser: [UInt32: Int] = [:]
    private var limiters: [ConnectionRefusal: ReportLimiter] = [:]

    /// The number of users that are counted one by one. Later users count in the totals only.
    static let userLimit = 1024

    /// Counts one client.
    ///
    /// - Returns: the report for the delegate, if any.
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

    /// Whether to tell the delegate that no client can be accepted: at most once a second, together with the refusals
    /// for lack of descriptors.
    mutating func mayTellOfFailure(at now: SuspendingClock.Instant) -> Bool {
        limiters[.descriptorLimit, default: ReportLimiter(.descriptorLimit, at: now)].mayTell(at: now)
    }
}

/// Lets reports through at a bounded rate, and counts the others.
struct ReportLimiter {
    private let pace: TokenBucket.Pace
    private var bucket: TokenBucket
    private var suppressed = 0

    /// Ten in any second: five at once, and five in the course of it. One if the process is out of descriptors, which
    /// is a single event and not caused by the refused clients.
    init(_ refusal: ConnectionRefusal, at now: SuspendingClock.Instant) {
        let rate = refusal == .descriptorLimit ? 1 : 5
        pace = TokenBucket.Pace(ConnectRate(burst: rate, perSecond: Double(rate)))
        bucket = TokenBucket(at: now)
    }

    /// Whether something else may be reported in place of a report.
    mutating func mayTell(at now: SuspendingClock.Instant) -> Bool { bucket.take(pace, at: now) }

    /// The number of reports suppressed since the last one that was let through; nil if this one is to be suppressed.
    mutating func suppressedCount(at now: SuspendingClock.Instant) -> Int? {
        guard mayTell(at: now) else {
            suppressed += 1
            return nil
        }
        defer { suppressed = 0 }
        return suppressed
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The upper bounds of what connections hold and have queued, in bytes: in total, and for each user.
struct ByteBudgets: Equatable {
    let limit: Int
    let limitPerUser: Int

    /// - Parameters: nil means no limit.
    init(limit: Int? = nil, limitPerUser: Int? = nil) {
        self.limit = limit ?? .max
        self.limitPerUser = limitPerUser ?? .max
    }

    /// Room that is not available to requests that can be refused or can wait. It is for messages that were taken and
    /// have to wait for their peer, and that therefore can no longer be refused.
    var reserve: Int { min(limit / 8, limitPerUser / 8, ByteLedger.readByteCount) }

    /// The budget that is lower than an old one and has no room for what is in use; nil if there is none.
    ///
    /// - Parameters:
    ///   - taken: what is in use in total.
    ///   - takenByUsers: what each user has taken.
    func excess(
        below old: ByteBudgets, taken: Int, takenByUsers: some Sequence<(userID: UInt32, byteCount: Int)>
    ) -> ExceededBudget? {
        if limit < old.limit, taken > limit - reserve { return ExceededBudget(scope: .server, limit: limit) }
        guard limitPerUser < old.limitPerUser else { return nil }
        let user = takenByUsers.first { $0.byteCount > limitPerUser - reserve }
        return user.map { ExceededBudget(scope: .user($0.userID), limit: limitPerUser) }
    }
}

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

    /// The budget that is lower than an old one and has no room for what is in use; nil if there is none.
    ///
    /// - Parameters:
    ///   - ledgerCount: the number of ledgers that share them.
    ///   - taken: what is in use in total.
    ///   - takenByUsers: what each user has taken.
    func excess(
        below old: ByteBudgets, ledgerCount: Int, taken: Int,
        takenByUsers: some Sequence<(userID: UInt32, byteCount: Int)>
    ) -> ExceededBudget? {
        let reserve = ByteReserves(self, ledgerCount: ledgerCount).reserve
        if limit < old.limit, taken > limit - reserve { return ExceededBudget(scope: .server, limit: limit) }
        guard limitPerUser < old.limitPerUser else { return nil }
        let user = takenByUsers.first { $0.byteCount > limitPerUser - reserve }
        return user.map { ExceededBudget(scope: .user($0.userID), limit: limitPerUser) }
    }
}

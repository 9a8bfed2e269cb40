// SPDX-License-Identifier: Apache-2.0

// The questions whether a budget has room. They only ask, and take nothing: a moment later, another thread of a pool
// may have taken the room.

extension ByteLedger {
    /// What counts against the limit.
    var takenByteCount: Int { shared?.byteCount ?? byteCount }

    private func takenByteCount(ofUser userID: UInt32) -> Int {
        knownAccount(of: userID)?.takenByteCount ?? shared?.byteCount(ofUser: userID) ?? 0
    }

    /// How much more a user's connections may take, without the reserve.
    func room(ofUser userID: UInt32) -> Int {
        max(0, min(limit - takenByteCount, limitPerUser - takenByteCount(ofUser: userID)) - reserve)
    }

    /// The budget that has no room for this many bytes more, without the reserve. The server's, if both have room.
    func exceeded(by count: Int, _ userID: UInt32) -> ExceededBudget {
        let isUsers = count <= limit - takenByteCount - reserve
        return isUsers
            ? ExceededBudget(scope: .user(userID), limit: limitPerUser) : ExceededBudget(scope: .server, limit: limit)
    }

    /// Whether the budget that was exhausted has room for the smallest growth that was asked for.
    func hasRoom(for demand: BudgetDemand) -> Bool {
        switch demand.exceeded.scope {
        case .connection: true
        case .user(let userID): demand.growth <= limitPerUser - takenByteCount(ofUser: userID) - reserve
        case .server: demand.growth <= limit - takenByteCount - reserve
        }
    }

    /// The budget that has no room for this many bytes more of a user's; nil if both have room.
    func exceededBudget(by count: Int, _ userID: UInt32, leaving reserve: Int) -> ExceededBudget? {
        // Subtracted, because a sum might overflow if there is no limit.
        if count > limit - takenByteCount - reserve { return ExceededBudget(scope: .server, limit: limit) }
        if count > limitPerUser - takenByteCount(ofUser: userID) - reserve {
            return ExceededBudget(scope: .user(userID), limit: limitPerUser)
        }
        return nil
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The number of open connections of each user. The user who was counted last is found without a look-up, because most
/// servers serve one user: so the numbers are kept even while no user is limited, and a limit that is set later counts
/// the connections that are open already.
struct UserCounts: Sendable {
    private var latest: (userID: UInt32, count: Int) = (0, 0)
    private var others: [UInt32: Int] = [:]

    /// How many connections a user has.
    subscript(userID: UInt32) -> Int { latest.userID == userID ? latest.count : others[userID, default: 0] }

    /// The number of users that have a connection.
    var userCount: Int { others.count + (latest.count > 0 ? 1 : 0) }

    mutating func add(_ userID: UInt32) {
        turn(to: userID)
        latest.count += 1
    }

    mutating func remove(_ userID: UInt32) {
        turn(to: userID)
        if latest.count > 0 { latest.count -= 1 }
    }

    private mutating func turn(to userID: UInt32) {
        guard userID != latest.userID else { return }
        if latest.count > 0 { others[latest.userID] = latest.count }
        latest = (userID, others.removeValue(forKey: userID) ?? 0)
    }
}

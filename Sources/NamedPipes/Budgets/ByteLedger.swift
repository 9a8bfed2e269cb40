// SPDX-License-Identifier: Apache-2.0

/// Counts the memory that the connections of one server or client hold and have queued: in all, and for each user.
///
/// Nobody writes to it but a ``ByteCharge``, whose end returns what it took: so the ledger is at zero when all
/// connections have ended, which the server checks when it stops.
///
/// It is asked where a connection carries something from one turn to the next, or where a queue grows; never for each
/// message.
final class ByteLedger {
    /// What bytes are taken for.
    enum Use {
        /// What arrived and is not delivered.
        case held
        /// What is to be sent and the kernel has not taken.
        case queued
    }

    /// What one user's connections have taken.
    final class Account {
        fileprivate let userID: UInt32
        fileprivate unowned let ledger: ByteLedger
        fileprivate(set) var byteCount = 0

        fileprivate init(_ userID: UInt32, _ ledger: ByteLedger) {
            self.userID = userID
            self.ledger = ledger
        }

        /// Takes bytes, or returns them where the number is negative.
        fileprivate func take(_ count: Int, for use: Use) throws(ExceededBudget) {
            if count > 0 { try ledger.check(count, self) }
            ledger.note(count, use, self)
        }
    }

    /// What may be taken in all, and by one user.
    let limit: Int
    let limitPerUser: Int

    private(set) var heldByteCount = 0
    private(set) var queuedByteCount = 0

    /// The most that was queued at a time.
    private(set) var queueHighWaterByteCount = 0

    /// How often there was no room, by user: of the first thousand, since a dictionary of all could be made to grow.
    private(set) var refusalCounts: [UInt32: Int] = [:]

    private var accounts: [UInt32: Account] = [:]
    // Most servers serve one user.
    private var latest: Account?

    /// So many users' accounts are kept although nothing is in them.
    private static let keptAccountCount = 64
    private static let countedUserCount = 1000

    init(limit: Int? = nil, limitPerUser: Int? = nil) {
        self.limit = limit ?? .max
        self.limitPerUser = limitPerUser ?? .max
    }

    var byteCount: Int { heldByteCount + queuedByteCount }

    /// What one user's connections have taken.
    func byteCount(ofUser userID: UInt32) -> Int { accounts[userID]?.byteCount ?? 0 }

    fileprivate func account(of userID: UInt32) -> Account {
        if let latest, latest.userID == userID { return latest }
        let account = accounts[userID] ?? Account(userID, self)
        accounts[userID] = account
        latest = account
        return account
    }

    /// Whether so many more would be taken. Asking is not counted as a refusal.
    func hasRoom(for count: Int, userID: UInt32) -> Bool {
        count <= limit - byteCount && count <= limitPerUser - byteCount(ofUser: userID)
    }

    private func check(_ count: Int, _ account: Account) throws(ExceededBudget) {
        // Subtracted, because a sum might overflow where there is no limit.
        if count > limit - byteCount { throw refusal(.server, limit, account) }
        if count > limitPerUser - account.byteCount { throw refusal(.user(account.userID), limitPerUser, account) }
    }

    private func refusal(_ scope: ExceededBudget.Scope, _ limit: Int, _ account: Account) -> ExceededBudget {
        if refusalCounts[account.userID] != nil || refusalCounts.count < Self.countedUserCount {
            refusalCounts[account.userID, default: 0] += 1
        }
        return ExceededBudget(scope: scope, limit: limit)
    }

    private func note(_ count: Int, _ use: Use, _ account: Account) {
        account.byteCount += count
        switch use {
        case .held:
            heldByteCount += count
        case .queued:
            queuedByteCount += count
            queueHighWaterByteCount = max(queueHighWaterByteCount, queuedByteCount)
        }
        assert(account.byteCount >= 0 && heldByteCount >= 0 && queuedByteCount >= 0, "more returned than was taken")
        // Nobody refers to an account in which there is nothing: a charge lets go of it with its last byte.
        if account.byteCount == 0, accounts.count > Self.keptAccountCount {
            accounts[account.userID] = nil
            if latest === account { latest = nil }
        }
    }
}

/// Bytes that were taken from a ledger. Its end returns them.
struct ByteCharge: ~Copyable {
    private let use: ByteLedger.Use
    private var account: ByteLedger.Account?
    private(set) var byteCount = 0

    /// A charge of nothing.
    init(for use: ByteLedger.Use) { self.use = use }

    /// Takes or returns what makes it so many bytes. Where there is no room for more, it stays as it is.
    mutating func adjust(to count: Int, _ ledger: ByteLedger, userID: UInt32) throws(ExceededBudget) {
        guard count != byteCount else { return }
        let account = self.account ?? ledger.account(of: userID)
        try account.take(count - byteCount, for: use)
        byteCount = count
        self.account = count == 0 ? nil : account
    }

    /// Returns everything.
    mutating func release() {
        returnEverything()
        account = nil
        byteCount = 0
    }

    private func returnEverything() { try? account?.take(-byteCount, for: use) }

    deinit { returnEverything() }
}

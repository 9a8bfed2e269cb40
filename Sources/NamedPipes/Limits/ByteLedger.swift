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
        /// What was delivered and waits for a task to take it: held as well, but by no connection in the first place.
        case unread
        /// What is to be sent and the kernel has not taken.
        case queued
    }

    /// What one user's connections have taken.
    final class Account {
        fileprivate let userID: UInt32
        fileprivate unowned let ledger: ByteLedger
        fileprivate(set) var byteCount = 0
        /// There is little room left for this user.
        fileprivate var isTight = false

        fileprivate init(_ userID: UInt32, _ ledger: ByteLedger) {
            self.userID = userID
            self.ledger = ledger
        }
    }

    /// What may be taken in all, and by one user.
    let limit: Int
    let limitPerUser: Int

    private(set) var heldByteCount = 0

    /// What of that waits for tasks.
    private(set) var unreadByteCount = 0
    private(set) var queuedByteCount = 0

    /// The most that was queued at a time.
    private(set) var queueHighWaterByteCount = 0

    /// How often there was no room, by user: of the first thousand, since a dictionary of all could be made to grow.
    private(set) var refusalCounts: [UInt32: Int] = [:]

    private var accounts: [UInt32: Account] = [:]
    // Most servers serve one user.
    private var latest: Account?

    /// The number of empty accounts of users that are kept.
    private static let keptAccountCount = 64
    private static let countedUserCount = 1000

    /// What every connection may have in all, however little is left: so a peer that sends small messages is served
    /// while others hold the whole budget.
    static let floor = 4 << 10

    /// Room that requests which can be refused or can wait leave alone: it is for messages that were taken and have to
    /// wait for their peer, and which therefore cannot be refused any more.
    let reserve: Int

    /// Whether there is less room than one read may need, in all or for a user.
    private(set) var isTight = false

    /// Called where that changes.
    var tightnessDidChange: () -> Void = {}

    private var tightAccountCount = 0

    /// The most that one read brings, with what is put around it.
    private static let margin = ReactorBuffers.receiveByteCount + LargeBufferPool.step

    init(limit: Int? = nil, limitPerUser: Int? = nil) {
        self.limit = limit ?? .max
        self.limitPerUser = limitPerUser ?? .max
        reserve = min(self.limit / 8, self.limitPerUser / 8, Self.margin)
        isTight = isAlwaysTight
    }

    private var isAlwaysTight: Bool { min(limit, limitPerUser) < Self.margin }

    var byteCount: Int { heldByteCount + queuedByteCount }

    /// What one user's connections have taken.
    func byteCount(ofUser userID: UInt32) -> Int {
        if let latest, latest.userID == userID { return latest.byteCount }
        return accounts[userID]?.byteCount ?? 0
    }

    fileprivate func account(of userID: UInt32) -> Account {
        if let latest, latest.userID == userID { return latest }
        let account = accounts[userID] ?? Account(userID, self)
        accounts[userID] = account
        latest = account
        return account
    }

    /// How much more a user's connections may take, with the reserve left alone.
    func room(ofUser userID: UInt32) -> Int {
        max(0, min(limit - byteCount, limitPerUser - byteCount(ofUser: userID)) - reserve)
    }

    /// Which budget has no room for this many bytes more, the reserve left alone. The server's, if it is neither.
    func exceeded(by count: Int, _ userID: UInt32) -> ExceededBudget {
        let isUsers = count <= limit - byteCount - reserve
        return isUsers
            ? ExceededBudget(scope: .user(userID), limit: limitPerUser) : ExceededBudget(scope: .server, limit: limit)
    }

    /// Which budget has no room for this many bytes more of a user's; nil if both have. Asks, and takes nothing.
    func exceededBudget(by count: Int, _ userID: UInt32, leaving reserve: Int) -> ExceededBudget? {
        // Subtracted, because a sum might overflow where there is no limit.
        if count > limit - byteCount - reserve { return ExceededBudget(scope: .server, limit: limit) }
        if count > limitPerUser - byteCount(ofUser: userID) - reserve {
            return ExceededBudget(scope: .user(userID), limit: limitPerUser)
        }
        return nil
    }

    func countRefusal(of userID: UInt32) {
        guard refusalCounts[userID] != nil || refusalCounts.count < Self.countedUserCount else { return }
        refusalCounts[userID, default: 0] += 1
    }

    fileprivate func note(_ count: Int, _ use: Use, _ account: Account) {
        account.byteCount += count
        switch use {
        case .held:
            heldByteCount += count
        case .unread:
            heldByteCount += count
            unreadByteCount += count
        case .queued:
            queuedByteCount += count
            queueHighWaterByteCount = max(queueHighWaterByteCount, queuedByteCount)
        }
        noteTightness(account)
        assert(account.byteCount >= 0 && heldByteCount >= 0 && queuedByteCount >= 0, "more returned than was taken")
        // Nobody refers to an account in which there is nothing: a charge lets go of it with its last byte.
        if account.byteCount == 0, accounts.count > Self.keptAccountCount {
            accounts[account.userID] = nil
            if latest === account { latest = nil }
        }
    }

    private func noteTightness(_ account: Account) {
        guard !isAlwaysTight else { return }
        let isAccountTight = limitPerUser - account.byteCount < Self.margin
        if isAccountTight != account.isTight {
            account.isTight = isAccountTight
            tightAccountCount += isAccountTight ? 1 : -1
        }
        let isTight = limit - byteCount < Self.margin || tightAccountCount > 0
        guard isTight != self.isTight else { return }
        self.isTight = isTight
        tightnessDidChange()
    }
}

/// Bytes that were taken from a ledger. Its end returns them.
struct ByteCharge: ~Copyable {
    private let use: ByteLedger.Use
    private var account: ByteLedger.Account?
    private(set) var byteCount = 0

    /// A charge of nothing.
    init(for use: ByteLedger.Use) { self.use = use }

    /// Takes or returns what makes it this many bytes. Where there is no room for more, it stays as it is.
    ///
    /// - Parameter floor: what it may be in any case.
    mutating func adjust(
        to count: Int, _ ledger: ByteLedger, userID: UInt32, granting floor: Int = 0
    ) throws(ExceededBudget) {
        if count > max(byteCount, floor),
            let exceeded = ledger.exceededBudget(by: count - byteCount, userID, leaving: 0)
        {
            ledger.countRefusal(of: userID)
            throw exceeded
        }
        follow(count, ledger, userID: userID)
    }

    /// Which budget has no room for what would make it this many bytes; nil if there is room. Asks, and takes nothing.
    func exceededBudget(
        at count: Int, _ ledger: ByteLedger, userID: UInt32, limit: Int, leaving reserve: Int
    ) -> ExceededBudget? {
        guard count > byteCount else { return nil }
        if count > limit { return ExceededBudget(scope: .connection, limit: limit) }
        return ledger.exceededBudget(by: count - byteCount, userID, leaving: reserve)
    }

    /// Has the ledger know what is there already, also where it has no room for more.
    mutating func follow(_ count: Int, _ ledger: ByteLedger, userID: UInt32) {
        guard count != byteCount else { return }
        let account = self.account ?? ledger.account(of: userID)
        ledger.note(count - byteCount, use, account)
        byteCount = count
        self.account = count == 0 ? nil : account
    }

    /// Has the ledger know that there is no more left than this.
    mutating func shrink(to count: Int) {
        guard count < byteCount, let account else { return }
        account.ledger.note(count - byteCount, use, account)
        byteCount = count
        if count == 0 { self.account = nil }
    }

    /// Returns everything.
    mutating func release() {
        returnEverything()
        account = nil
        byteCount = 0
    }

    private func returnEverything() {
        if let account { account.ledger.note(-byteCount, use, account) }
    }

    deinit { returnEverything() }
}

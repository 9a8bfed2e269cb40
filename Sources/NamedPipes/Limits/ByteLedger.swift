// SPDX-License-Identifier: Apache-2.0

/// Counts the memory that the connections of one server or client hold and have queued: in total, and for each user.
///
/// Only a ``ByteCharge`` writes to it, and its end returns what it took. So the ledger is at zero when all connections
/// have ended, which the server checks when it stops.
///
/// It is consulted when a connection carries something from one turn to the next, or when a queue grows; never for each
/// message.
///
/// The ledgers of a pool's servers share a ``SharedByteBudget``: each counts what its own connections have taken, and
/// the limits hold for the sum of all.
final class ByteLedger {
    /// The purpose of a charge.
    enum Use {
        /// Bytes that have arrived, and are not delivered or wait for a task to receive them.
        case held
        /// Bytes that are to be sent and that the kernel has not taken.
        case queued
    }

    /// What one user's connections have taken.
    final class Account {
        fileprivate let userID: UInt32
        fileprivate unowned let ledger: ByteLedger
        fileprivate(set) var byteCount = 0
        /// Whether little room is left for this user.
        fileprivate var isTight = false
        /// What the user has taken on all threads, if ledgers share a budget.
        fileprivate let shared: SharedByteBudget.Account?

        fileprivate init(_ userID: UInt32, _ ledger: ByteLedger) {
            self.userID = userID
            self.ledger = ledger
            shared = ledger.shared?.join(userID)
        }

        /// What counts against the user's limit.
        var takenByteCount: Int { shared?.byteCount ?? byteCount }
    }

    /// The upper bounds, in total and for one user.
    private(set) var budgets: ByteBudgets

    var limit: Int { budgets.limit }
    var limitPerUser: Int { budgets.limitPerUser }

    /// The highest limit in total so far. In a pool, another thread may have taken bytes under a limit that this ledger
    /// follows later.
    var highestLimit: Int { shared?.highestLimit ?? ownHighestLimit }
    private var ownHighestLimit: Int

    /// What this ledger shares with those of other threads; nil if it has its limits to itself.
    let shared: SharedByteBudget?

    private(set) var heldByteCount = 0
    private(set) var queuedByteCount = 0

    /// The most that was queued at any time.
    private(set) var queueHighWaterByteCount = 0

    /// How often there was no room, by user. It has entries for a thousand users at most, because peers could otherwise
    /// make the dictionary grow.
    private(set) var refusalCounts: [UInt32: Int] = [:]

    private var accounts: [UInt32: Account] = [:]
    // Most servers serve one user.
    private var latest: Account?

    /// The number of users whose empty accounts are kept.
    private static let keptAccountCount = 64
    private static let countedUserCount = 1000

    /// The total that every connection may have, however little is left: so a peer that sends small messages is served
    /// while others hold the whole budget.
    static let floor = 4 << 10

    /// The most that a connection can have while there is no room: a read, and the memory in which a message of it
    /// waits for a task.
    static let mostWithoutRoom = floor + MessageInbox.smallestPieceByteCount

    /// The room that is kept free.
    private var reserves: ByteReserves

    /// See ``ByteReserves/reserve``.
    var reserve: Int { reserves.reserve }

    /// See ``ByteReserves/readReserve``.
    var readReserve: Int { reserves.readReserve }

    /// Whether there is less room than one read may need, in total or for a user.
    private(set) var isTight = false

    /// Called when ``isTight`` changes.
    var tightnessDidChange: () -> Void = {}

    private var tightAccountCount = 0

    /// The most that one read brings, with its overhead.
    static let readByteCount = ReactorBuffers.receiveByteCount + LargeBufferPool.step

    /// A ledger that has its limits to itself.
    convenience init(limit: Int? = nil, limitPerUser: Int? = nil) {
        self.init(ByteBudgets(limit: limit, limitPerUser: limitPerUser))
    }

    /// One of several ledgers with common limits.
    convenience init(sharing shared: SharedByteBudget) { self.init(shared.budgets, shared) }

    init(_ budgets: ByteBudgets, _ shared: SharedByteBudget? = nil) {
        self.budgets = budgets
        self.shared = shared
        ownHighestLimit = budgets.limit
        reserves = ByteReserves(budgets, ledgerCount: shared?.ledgerCount ?? 1)
        isTight = reserves.isAlwaysTight
    }

    deinit {
        for account in accounts.values { leave(account) }
    }

    var byteCount: Int { heldByteCount + queuedByteCount }

    /// What one user's connections have taken.
    func byteCount(ofUser userID: UInt32) -> Int { knownAccount(of: userID)?.byteCount ?? 0 }

    /// The account of a user; nil if the user has nothing.
    func knownAccount(of userID: UInt32) -> Account? {
        if let latest, latest.userID == userID { return latest }
        return accounts[userID]
    }

    fileprivate func account(of userID: UInt32) -> Account {
        if let latest, latest.userID == userID { return latest }
        let account = accounts[userID] ?? Account(userID, self)
        accounts[userID] = account
        latest = account
        return account
    }

    /// Makes sure that a user's connections may take this many bytes more. If the ledger shares a budget, they are
    /// taken there at once, because a moment later another thread may have them. ``note(_:_:_:isTaken:)`` follows in
    /// any case.
    fileprivate func claim(_ count: Int, _ userID: UInt32, leaving reserve: Int) -> ExceededBudget? {
        guard let shared, let account = account(of: userID).shared else {
            return exceededBudget(by: count, userID, leaving: reserve)
        }
        return shared.take(count, account, leaving: reserve)
    }

    func countRefusal(of userID: UInt32) {
        guard refusalCounts[userID] != nil || refusalCounts.count < Self.countedUserCount else { return }
        refusalCounts[userID, default: 0] += 1
    }

    /// - Parameter isTaken: whether the shared budget, if there is one, knows of it already.
    fileprivate func note(_ count: Int, _ use: Use, _ account: Account, isTaken: Bool = false) {
        account.byteCount += count
        if let shared, let account = account.shared, !isTaken { shared.note(count, account) }
        switch use {
        case .held:
            heldByteCount += count
        case .queued:
            queuedByteCount += count
            queueHighWaterByteCount = max(queueHighWaterByteCount, queuedByteCount)
        }
        noteTightness(account)
        assert(account.byteCount >= 0 && heldByteCount >= 0 && queuedByteCount >= 0, "more returned than was taken")
        // No charge refers to an empty account: it releases the account with its last byte.
        if account.byteCount == 0, accounts.count > Self.keptAccountCount {
            accounts[account.userID] = nil
            if latest === account { latest = nil }
            leave(account)
        }
    }

    private func leave(_ account: Account) {
        if account.isTight { tightAccountCount -= 1 }
        if let shared, let account = account.shared { shared.leave(account) }
    }

    /// Checks whether other threads have returned enough bytes that there is room again.
    func lookForRoom() {
        for account in accounts.values where account.isTight { noteAccountTightness(account) }
        noteTightness()
    }

    private func noteTightness(_ account: Account) {
        noteAccountTightness(account)
        noteTightness()
    }

    private func noteAccountTightness(_ account: Account) {
        let isAccountTight = limitPerUser - account.takenByteCount < reserves.margin
        guard isAccountTight != account.isTight else { return }
        account.isTight = isAccountTight
        tightAccountCount += isAccountTight ? 1 : -1
    }

    /// The budget that is lower than now and has no room for what is in use; nil if there is none.
    func excess(over new: ByteBudgets) -> ExceededBudget? {
        new.excess(
            below: budgets, ledgerCount: shared?.ledgerCount ?? 1, taken: takenByteCount,
            takenByUsers: accounts.lazy.map { ($0.key, $0.value.takenByteCount) })
    }

    /// Keeps other limits from now on. If a budget is shared, it has changed before.
    func follow(_ new: ByteBudgets) {
        budgets = new
        reserves = ByteReserves(new, ledgerCount: shared?.ledgerCount ?? 1)
        ownHighestLimit = max(ownHighestLimit, new.limit)
        for account in accounts.values { noteAccountTightness(account) }
        noteTightness()
    }

    private func noteTightness() {
        let isTight = reserves.isAlwaysTight || limit - takenByteCount < reserves.margin || tightAccountCount > 0
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

    /// An empty charge.
    init(for use: ByteLedger.Use) { self.use = use }

    /// Takes or returns bytes until the charge is of this size. If there is no room for more, the charge stays as it
    /// is.
    mutating func adjust(to count: Int, _ ledger: ByteLedger, userID: UInt32) throws(ExceededBudget) {
        guard count > byteCount else { return follow(count, ledger, userID: userID) }
        if let exceeded = ledger.claim(count - byteCount, userID, leaving: ledger.readReserve) {
            ledger.countRefusal(of: userID)
            throw exceeded
        }
        follow(count, ledger, userID: userID, isTaken: true)
    }

    /// Takes bytes for which there was room a moment ago. Only another thread can have taken the room meanwhile.
    ///
    /// - Parameter reserve: the room that is to be left.
    /// - Returns: whether the charge is of this size.
    mutating func grow(to count: Int, _ ledger: ByteLedger, userID: UInt32, leaving reserve: Int) -> Bool {
        let isTaken = ledger.shared != nil && count > byteCount
        if isTaken, ledger.claim(count - byteCount, userID, leaving: reserve) != nil { return false }
        follow(count, ledger, userID: userID, isTaken: isTaken)
        return true
    }

    /// The budget that has no room for a charge of this size; nil if there is room. Only asks, and takes nothing.
    func exceededBudget(
        at count: Int, _ ledger: ByteLedger, userID: UInt32, limit: Int, leaving reserve: Int
    ) -> ExceededBudget? {
        guard count > byteCount else { return nil }
        if count > limit { return ExceededBudget(scope: .connection, limit: limit) }
        return ledger.exceededBudget(by: count - byteCount, userID, leaving: reserve)
    }

    /// Records memory that is in use already, even if the ledger has no room for it.
    mutating func follow(_ count: Int, _ ledger: ByteLedger, userID: UInt32, isTaken: Bool = false) {
        guard count != byteCount else { return }
        let account = self.account ?? ledger.account(of: userID)
        ledger.note(count - byteCount, use, account, isTaken: isTaken)
        byteCount = count
        self.account = count == 0 ? nil : account
    }

    /// Records that no more than this is left.
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

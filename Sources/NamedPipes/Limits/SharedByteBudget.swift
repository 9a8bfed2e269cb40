// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The bytes that the ledgers of several servers have taken together, each on a thread of its own: in total and for
/// each user.
///
/// A ledger takes bytes only where both budgets have room, in one atomic step for each, so the sums never exceed the
/// limits, however many threads ask at once. There is a lock for the list of the users alone; a ledger needs it when it
/// meets a user for the first time.
final class SharedByteBudget: Sendable {
    /// What one user's connections have taken, on all threads.
    final class Account: Sendable {
        let userID: UInt32
        fileprivate let taken = Atomic(0)

        fileprivate init(_ userID: UInt32) { self.userID = userID }

        var byteCount: Int { taken.load(ordering: .relaxed) }
    }

    // The upper bounds, in total and for one user.
    private let limitInTotal: Atomic<Int>
    private let limitOfUser: Atomic<Int>
    private let highestLimitInTotal: Atomic<Int>

    /// The number of ledgers that share it.
    let ledgerCount: Int

    private let taken = Atomic(0)
    private let accounts = Mutex<[UInt32: (account: Account, ledgerCount: Int)]>([:])

    init(limit: Int?, limitPerUser: Int?, ledgerCount: Int) {
        limitInTotal = Atomic(limit ?? .max)
        limitOfUser = Atomic(limitPerUser ?? .max)
        highestLimitInTotal = Atomic(limit ?? .max)
        self.ledgerCount = ledgerCount
    }

    /// The upper bound in total.
    var limit: Int { limitInTotal.load(ordering: .relaxed) }

    /// The highest that ``limit`` has been.
    var highestLimit: Int { highestLimitInTotal.load(ordering: .relaxed) }

    /// The upper bound for one user.
    var limitPerUser: Int { limitOfUser.load(ordering: .relaxed) }

    var budgets: ByteBudgets { ByteBudgets(limit: limit, limitPerUser: limitPerUser) }

    /// As ``ByteLedger/excess(over:)``, for all threads at this moment.
    func excess(over new: ByteBudgets) -> ExceededBudget? {
        let users = accounts.withLock { $0.values.map { ($0.account.userID, $0.account.byteCount) } }
        return new.excess(below: budgets, ledgerCount: ledgerCount, taken: byteCount, takenByUsers: users)
    }

    /// Keeps other limits from now on. The ledgers follow, each on its thread.
    func follow(_ new: ByteBudgets) {
        highestLimitInTotal.max(new.limit, ordering: .relaxed)
        limitInTotal.store(new.limit, ordering: .relaxed)
        limitOfUser.store(new.limitPerUser, ordering: .relaxed)
    }

    var byteCount: Int { taken.load(ordering: .relaxed) }

    func byteCount(ofUser userID: UInt32) -> Int { accounts.withLock { $0[userID]?.account.byteCount } ?? 0 }

    /// The number of users that it remembers.
    var rememberedUserCount: Int { accounts.withLock { $0.count } }

    // MARK: The users

    /// The account of a user, which is the same for all ledgers until each of them has left it.
    func join(_ userID: UInt32) -> Account {
        accounts.withLock { accounts in
            let account = accounts[userID]?.account ?? Account(userID)
            accounts[userID] = (account, (accounts[userID]?.ledgerCount ?? 0) + 1)
            return account
        }
    }

    /// A ledger has no more use for an account.
    func leave(_ account: Account) {
        accounts.withLock { accounts in
            guard let count = accounts[account.userID]?.ledgerCount else { return }
            accounts[account.userID] = count > 1 ? (account, count - 1) : nil
        }
    }

    // MARK: The bytes

    /// Takes bytes if both budgets have room for them.
    ///
    /// - Parameter reserve: the room that is to be left in both.
    /// - Returns: the budget that has no room; nil if the bytes are taken.
    func take(_ count: Int, _ account: Account, leaving reserve: Int = 0) -> ExceededBudget? {
        let (limit, limitPerUser) = (limit, limitPerUser)
        guard Self.add(count, to: taken, upTo: limit - reserve) else {
            return ExceededBudget(scope: .server, limit: limit)
        }
        guard Self.add(count, to: account.taken, upTo: limitPerUser - reserve) else {
            taken.subtract(count, ordering: .relaxed)
            return ExceededBudget(scope: .user(account.userID), limit: limitPerUser)
        }
        return nil
    }

    /// Records bytes that are in use already, or returns some if the number is negative.
    func note(_ count: Int, _ account: Account) {
        taken.add(count, ordering: .relaxed)
        account.taken.add(count, ordering: .relaxed)
    }

    private static func add(_ count: Int, to taken: borrowing Atomic<Int>, upTo limit: Int) -> Bool {
        var present = taken.load(ordering: .relaxed)
        // Subtracted, because a sum might overflow if there is no limit.
        while count <= limit - present {
            let (isAdded, found) = taken.weakCompareExchange(
                expected: present, desired: present + count, ordering: .relaxed)
            if isAdded { return true }
            present = found
        }
        return false
    }
}

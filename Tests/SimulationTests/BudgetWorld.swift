// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// The ledger while charges of several users grow, shrink and end in any order, against plain sums.
final class BudgetWorld {
    /// One charge, in an object of its own, so that it can end at any time.
    private final class Holder {
        var charge: ByteCharge
        let isHeld: Bool
        let user: UInt32
        var expected = 0

        init(_ use: ByteLedger.Use, _ user: UInt32) {
            charge = ByteCharge(for: use)
            isHeld = use == .held
            self.user = user
        }
    }

    private var random: Seeded
    private let ledger: ByteLedger
    private var holders: [Holder] = []
    private var highest = 0

    private init(_ seed: UInt64) {
        random = Seeded(seed)
        ledger = ByteLedger(
            limit: random.pick([nil, 0, 1000, 50_000]), limitPerUser: random.pick([nil, 0, 700, 20_000]))
    }

    static func run(_ seed: UInt64) -> [String] {
        let world = BudgetWorld(seed)
        var problems: [String] = []
        for step in 0..<world.random.number(1...60) {
            if let problem = world.step() ?? world.difference { problems.append("step \(step): \(problem)") }
        }
        world.holders = []
        if let problem = world.difference { problems.append("at the end: \(problem)") }
        return problems
    }

    private func step() -> String? {
        if holders.isEmpty || random.isOne(of: 5) {
            holders.append(Holder(random.isOne(of: 2) ? .held : .queued, UInt32(random.number(1...3))))
            return nil
        }
        let index = random.number(0...holders.count - 1)
        let holder = holders[index]
        switch random.number(0...7) {
        case 0: holders.remove(at: index)
        case 1:
            holder.charge.release()
            holder.expected = 0
        default: return adjust(holder)
        }
        return nil
    }

    private func adjust(_ holder: Holder) -> String? {
        let count = random.pick([0, random.number(0...100), random.number(0...30_000)])
        let growth = count - holder.expected
        let inAll = sum { _ in true } + growth
        let ofUser = sum { $0.user == holder.user } + growth
        let scope: ExceededBudget.Scope? =
            if growth <= 0 { nil } else if inAll > ledger.limit { .server } else if ofUser > ledger.limitPerUser {
                .user(holder.user)
            } else { nil }
        do {
            try holder.charge.adjust(to: count, ledger, userID: holder.user)
            holder.expected = count
            return scope == nil ? nil : "took what there is no room for"
        } catch {
            return error.scope == scope ? nil : "refused by \(error.scope)"
        }
    }

    private func sum(_ isMeant: (Holder) -> Bool) -> Int {
        holders.reduce(0) { isMeant($1) ? $0 + $1.expected : $0 }
    }

    /// The differences between the ledger and the sums.
    private var difference: String? {
        let queued = sum { !$0.isHeld }
        highest = max(highest, queued)
        if ledger.heldByteCount != sum({ $0.isHeld }) { return "held is \(ledger.heldByteCount)" }
        if ledger.queuedByteCount != queued { return "queued is \(ledger.queuedByteCount)" }
        if ledger.queueHighWaterByteCount != highest { return "the high water is \(ledger.queueHighWaterByteCount)" }
        for user in UInt32(1)...3 where ledger.byteCount(ofUser: user) != sum({ $0.user == user }) {
            return "user \(user) has \(ledger.byteCount(ofUser: user))"
        }
        for holder in holders where holder.charge.byteCount != holder.expected { return "a charge is wrong" }
        return nil
    }
}

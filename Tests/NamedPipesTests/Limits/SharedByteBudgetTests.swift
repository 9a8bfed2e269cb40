// SPDX-License-Identifier: Apache-2.0
import Dispatch
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

@Suite struct `A budget that several ledgers share` {
    @Test func `limits their sum, in all and for each user`() {
        let budget = SharedByteBudget(limit: 1000, limitPerUser: 600, ledgerCount: 2)
        let (one, other) = (ByteLedger(sharing: budget), ByteLedger(sharing: budget))
        let (first, second, third) = (Holder(1), Holder(1), Holder(2))
        #expect(first.adjust(to: 400, one) == nil)
        #expect(second.adjust(to: 201, other) == ExceededBudget(scope: .user(1), limit: 600))
        #expect(second.adjust(to: 200, other) == nil)
        #expect(one.byteCount(ofUser: 1) == 400 && other.byteCount(ofUser: 1) == 200)
        #expect(budget.byteCount == 600 && budget.byteCount(ofUser: 1) == 600)
        #expect(third.adjust(to: 401, one) == ExceededBudget(scope: .server, limit: 1000))
        #expect(third.adjust(to: 400, one) == nil)
        #expect(other.room(ofUser: 3) == 0)
        #expect(other.exceededBudget(by: 1, 3, leaving: 0)?.scope == .server)
        first.charge.release()
        #expect(other.exceededBudget(by: 400, 3, leaving: 0) == nil)
        #expect(budget.byteCount == 600)
    }

    @Test func `refuses growth for which another thread has taken the room, and takes nothing then`() {
        let budget = SharedByteBudget(limit: 1000, limitPerUser: 800, ledgerCount: 2)
        let (one, other) = (ByteLedger(sharing: budget), ByteLedger(sharing: budget))
        let (first, second) = (Holder(1), Holder(2))
        #expect(one.reserve == 100)
        #expect(one.exceededBudget(by: 600, 1, leaving: 100) == nil)
        #expect(second.adjust(to: 500, other) == nil)
        #expect(!first.grow(to: 600, one))
        #expect(first.charge.byteCount == 0 && budget.byteCount == 500)
        #expect(!first.grow(to: 401, one))
        #expect(first.grow(to: 400, one))
        #expect(first.grow(to: 300, one))
        #expect(budget.byteCount == 800)
    }

    @Test func `is at zero, and knows no user, when everything is returned and the ledgers are gone`() {
        let budget = SharedByteBudget(limit: 1 << 30, limitPerUser: nil, ledgerCount: 2)
        do {
            let ledgers = [ByteLedger(sharing: budget), ByteLedger(sharing: budget)]
            let holders = (0..<500).map { Holder(UInt32($0 % 250)) }
            for (index, holder) in holders.enumerated() { #expect(holder.adjust(to: 50, ledgers[index / 250]) == nil) }
            #expect(budget.byteCount == 25_000 && budget.byteCount(ofUser: 7) == 100)
            for (index, holder) in holders.enumerated() { #expect(holder.adjust(to: 0, ledgers[index / 250]) == nil) }
            #expect(budget.byteCount == 0)
            #expect(budget.rememberedUserCount < 250)
        }
        #expect(budget.byteCount == 0 && budget.rememberedUserCount == 0)
    }

    @Test func `makes a ledger tight before the reads of all threads can exhaust it, and free again`() {
        let read = ByteLedger.readByteCount
        let budget = SharedByteBudget(limit: 20 * read, limitPerUser: nil, ledgerCount: 4)
        let (one, other) = (ByteLedger(sharing: budget), ByteLedger(sharing: budget))
        #expect(!one.isTight && !other.isTight)
        let (first, second) = (Holder(1), Holder(2))
        #expect(first.adjust(to: 16 * read + 1, one) == nil)
        #expect(one.isTight)
        // The other learns of it when it is next written to.
        #expect(second.adjust(to: 1, other) == nil)
        #expect(other.isTight)
        var changeCount = 0
        other.tightnessDidChange = { changeCount += 1 }
        first.charge.release()
        #expect(!one.isTight && other.isTight && changeCount == 0)
        other.lookForRoom()
        #expect(!other.isTight && changeCount == 1)
    }

    @Test(arguments: [true, false])
    func `has room for a read of every thread that has not heard of the others' requests`(isPerUser: Bool) {
        let limit = 20 * ByteLedger.readByteCount
        let budget = SharedByteBudget(
            limit: isPerUser ? nil : limit, limitPerUser: isPerUser ? limit : nil, ledgerCount: 4)
        let ledgers = (0..<4).map { _ in ByteLedger(sharing: budget) }
        #expect(ledgers[0].readReserve == 3 * ByteLedger.readByteCount)
        let (waiting, queued) = (Holder(1), Holder(.queued, 1))
        // What can wait leaves all of the reserve, and what cannot leaves the room for reads.
        #expect(waiting.grow(to: ledgers[0].room(ofUser: 1), ledgers[0]))
        #expect(budget.byteCount == limit - ledgers[0].reserve)
        #expect(!waiting.grow(to: waiting.charge.byteCount + 1, ledgers[0]))
        let rest = ledgers[0].reserve - ledgers[0].readReserve
        #expect(queued.adjust(to: rest + 1, ledgers[0])?.limit == limit)
        #expect(queued.adjust(to: rest, ledgers[0]) == nil)
        #expect(ledgers[0].isTight)
        let readers = ledgers[1...].map { ledger in
            #expect(!ledger.isTight)
            let reader = Holder(1)
            reader.charge.follow(ByteLedger.readByteCount, ledger, userID: 1)
            // From now on, no read brings more than every connection may hold.
            #expect(ledger.isTight)
            return reader
        }
        #expect(budget.byteCount == limit)
        withExtendedLifetime(readers) {}
    }

    @Test func `that is small reserves nothing for reads: none brings more than every connection may hold`() {
        let limit = 4 * ByteLedger.readByteCount
        for (limit, isSmall) in [(limit, false), (limit - 1, true)] {
            let ledger = ByteLedger(sharing: SharedByteBudget(limit: limit, limitPerUser: nil, ledgerCount: 2))
            #expect(ledger.isTight == isSmall)
            #expect(ledger.readReserve == (isSmall ? 0 : ByteLedger.readByteCount))
        }
        let alone = ByteLedger(sharing: SharedByteBudget(limit: limit, limitPerUser: nil, ledgerCount: 1))
        #expect(!alone.isTight && alone.readReserve == 0 && alone.reserve == ByteLedger(limit: limit).reserve)
    }

    @Test func `is never exceeded, and loses nothing, whatever happens at once`() {
        let (limit, perUser) = (10_000, 4000)
        let budget = SharedByteBudget(limit: limit, limitPerUser: perUser, ledgerCount: 4)
        let most = Mutex((0, 0))
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            var random = Seeded(UInt64(thread))
            let ledger = ByteLedger(sharing: budget)
            let holders = (0..<40).map { Holder(UInt32($0 % 3)) }
            for _ in 0..<5000 {
                let holder = holders[Int.random(in: 0..<40, using: &random)]
                _ = holder.adjust(to: .random(in: 0...900, using: &random), ledger)
                let present = (budget.byteCount, budget.byteCount(ofUser: holder.userID))
                most.withLock { $0 = (max($0.0, present.0), max($0.1, present.1)) }
            }
            #expect(ledger.byteCount == holders.reduce(0) { $0 + $1.charge.byteCount })
        }
        let found = most.withLock { $0 }
        #expect(found.0 <= limit && found.1 <= perUser)
        #expect(budget.byteCount == 0 && budget.rememberedUserCount == 0)
    }
}

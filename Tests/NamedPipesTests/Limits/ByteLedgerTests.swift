// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A ledger of bytes` {
    @Test func `58 · takes what a charge takes, and has it back at the charge's end`() {
        let ledger = ByteLedger()
        do {
            let held = Holder(.held, 1)
            let queued = Holder(.queued, 1)
            #expect(held.adjust(to: 100, ledger) == nil && queued.adjust(to: 50, ledger) == nil)
            #expect(ledger.heldByteCount == 100 && ledger.queuedByteCount == 50 && ledger.byteCount == 150)
            #expect(ledger.byteCount(ofUser: 1) == 150)
            #expect(held.adjust(to: 30, ledger) == nil)
            #expect(ledger.heldByteCount == 30)
            queued.charge.release()
            #expect(ledger.queuedByteCount == 0 && queued.charge.byteCount == 0)
        }
        #expect(ledger.byteCount == 0 && ledger.byteCount(ofUser: 1) == 0)
        #expect(ledger.queueHighWaterByteCount == 50)
    }

    @Test func `58 · refuses what exceeds a user's budget or the total, and changes nothing then`() {
        let ledger = ByteLedger(limit: 1000, limitPerUser: 600)
        let (first, second) = (Holder(.held, 1), Holder(.queued, 2))
        #expect(first.adjust(to: 600, ledger) == nil)
        #expect(first.adjust(to: 601, ledger) == ExceededBudget(scope: .user(1), limit: 600))
        #expect(first.charge.byteCount == 600)
        #expect(second.adjust(to: 401, ledger) == ExceededBudget(scope: .server, limit: 1000))
        #expect(second.adjust(to: 400, ledger) == nil)
        #expect(ledger.byteCount == 1000)
        // Less is always possible.
        #expect(first.adjust(to: 599, ledger) == nil)
        #expect(ledger.refusalCounts == [1: 1, 2: 1])
    }

    @Test func `58 · forgets users who have nothing, and never counts one user in two accounts`() {
        let ledger = ByteLedger(limitPerUser: 100)
        let holders = (0..<500).map { Holder(.held, UInt32($0 % 250)) }
        for holder in holders { #expect(holder.adjust(to: 50, ledger) == nil) }
        for holder in holders { #expect(holder.adjust(to: 51, ledger)?.scope == .user(holder.userID)) }
        for holder in holders { #expect(holder.adjust(to: 0, ledger) == nil) }
        #expect(ledger.byteCount == 0)
        for holder in holders { #expect(holder.adjust(to: 50, ledger) == nil) }
        #expect(ledger.byteCount(ofUser: 7) == 100)
    }

    @Test(arguments: seeds(20))
    func `58 · agrees with a list of all charges, whatever happens`(seed: UInt64) {
        var random = Seeded(seed)
        let ledger = ByteLedger(limit: 5000, limitPerUser: 2000)
        var holders: [Holder] = []
        for _ in 0..<2000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0 where !holders.isEmpty:
                holders.remove(at: .random(in: 0..<holders.count, using: &random))
            case 1...3:
                holders.append(
                    Holder(Bool.random(using: &random) ? .held : .queued, .random(in: 0...3, using: &random)))
            default:
                guard let holder = holders.randomElement(using: &random) else { continue }
                let count = Int.random(in: 0...900, using: &random)
                let ofUser = holders.filter { $0.userID == holder.userID }.reduce(0) { $0 + $1.charge.byteCount }
                let all = holders.reduce(0) { $0 + $1.charge.byteCount }
                let more = count - holder.charge.byteCount
                let fits = more <= 0 || (ofUser + more <= 2000 && all + more <= 5000)
                #expect((holder.adjust(to: count, ledger) == nil) == fits)
            }
            #expect(ledger.byteCount == holders.reduce(0) { $0 + $1.charge.byteCount })
        }
        holders.removeAll()
        #expect(ledger.byteCount == 0)
    }
}

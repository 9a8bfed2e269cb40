// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes

/// Any order in which charges grow, shrink and end: never above a limit, never less than what is charged, and nothing
/// at the end.
func keepLedger(_ input: inout Input) {
    let ledger = ByteLedger(limit: input.number(below: 8) * 300, limitPerUser: input.number(below: 8) * 150)
    var charges = (0..<6).map { Charge($0 % 2 == 0 ? .held : .queued, UInt32($0 % 3)) }
    while let (choice, step) = input.pair() {
        let index = choice % charges.count
        switch step {
        case 0: charges[index] = charges[index].successor
        case 1: charges[index].value.release()
        default: charges[index].adjust(to: step * step, ledger)
        }
        check(ledger, charges)
    }
    charges = []
    require(ledger.byteCount == 0, "\(ledger.byteCount) bytes of nobody")
}

/// A charge that can be in an array, and its expected size.
private final class Charge {
    let use: ByteLedger.Use
    let user: UInt32
    var value: ByteCharge

    init(_ use: ByteLedger.Use, _ user: UInt32) {
        self.use = use
        self.user = user
        value = ByteCharge(for: use)
    }

    /// A charge of nothing for the same use and user.
    var successor: Charge { Charge(use, user) }

    func adjust(to count: Int, _ ledger: ByteLedger) {
        let before = value.byteCount
        do {
            try value.adjust(to: count, ledger, userID: user)
            require(value.byteCount == count, "\(value.byteCount) instead of \(count)")
        } catch {
            require(value.byteCount == before && count > before, "a refusal changed something, or refused to return")
        }
    }
}

private func check(_ ledger: ByteLedger, _ charges: [Charge]) {
    let sum = { (isMeant: (Charge) -> Bool) in charges.reduce(0) { isMeant($1) ? $0 + $1.value.byteCount : $0 } }
    require(ledger.heldByteCount == sum { $0.use == .held }, "held")
    require(ledger.queuedByteCount == sum { $0.use == .queued }, "queued")
    require(ledger.byteCount <= ledger.limit, "more than the limit")
    for user in UInt32(0)..<3 {
        require(ledger.byteCount(ofUser: user) == sum { $0.user == user }, "user \(user)")
        require(ledger.byteCount(ofUser: user) <= ledger.limitPerUser, "more than a user's limit")
    }
}

// SPDX-License-Identifier: Apache-2.0

@testable import NamedPipes

/// A charge in an object, as charges live in queues and reassembly buffers.
final class Holder {
    let userID: UInt32
    var charge: ByteCharge

    init(_ use: ByteLedger.Use, _ userID: UInt32) {
        self.userID = userID
        charge = ByteCharge(for: use)
    }

    /// Of held bytes.
    convenience init(_ userID: UInt32) { self.init(.held, userID) }

    /// Takes or returns bytes. The budget that has no room, or nil.
    func adjust(to count: Int, _ ledger: ByteLedger) -> ExceededBudget? {
        do throws(ExceededBudget) {
            try charge.adjust(to: count, ledger, userID: userID)
            return nil
        } catch {
            return error
        }
    }

    /// Takes bytes, and leaves the reserve of the ledger. Whether there was room.
    func grow(to count: Int, _ ledger: ByteLedger) -> Bool {
        charge.grow(to: count, ledger, userID: userID, leaving: ledger.reserve)
    }
}

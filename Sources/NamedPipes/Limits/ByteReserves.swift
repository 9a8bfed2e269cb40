// SPDX-License-Identifier: Apache-2.0

/// The room in budgets that is kept free: computed from the budgets, and from the number of ledgers that share them.
struct ByteReserves {
    /// The room that reads need. A ledger learns what other threads have taken when it is next written to, and until
    /// then each thread may have made one more read.
    let margin: Int

    /// Whether there is never more room than one read may need.
    let isAlwaysTight: Bool

    /// Room for bytes that are read although other threads have taken the room for them meanwhile, one read for each of
    /// the other ledgers. Bytes that were read have to be held, so nothing else may take it.
    let readReserve: Int

    /// Room that is not available to requests that can be refused or can wait: ``readReserve``, and room for messages
    /// that were taken and have to wait for their peer, and that therefore can no longer be refused.
    let reserve: Int

    init(_ budgets: ByteBudgets, ledgerCount: Int) {
        let least = min(budgets.limit, budgets.limitPerUser)
        let others = ByteLedger.readByteCount * (ledgerCount - 1)
        margin = ByteLedger.readByteCount + others
        // Small budgets are not reserved for reads; instead, no read brings more than the floor.
        isAlwaysTight = least < max(margin, 4 * others)
        readReserve = isAlwaysTight ? 0 : others
        reserve = readReserve + min(least / 8, ByteLedger.readByteCount)
    }
}

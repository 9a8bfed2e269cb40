// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// How much memory an endpoint's connections use and may use, and what follows where that is little.
struct EndpointBudget {
    let ledger: ByteLedger

    /// How much a read may bring. All that there is space for, mostly; while there is little room in a budget, what every
    /// connection may hold in any case.
    private(set) var readByteCount = ReactorBuffers.receiveByteCount

    /// What is wanted of a budget that has no room, until the largest holder has been looked for.
    var demand: BudgetDemand?
    var shortageTimer: ScheduledWork?

    init(_ ledger: ByteLedger) {
        self.ledger = ledger
        boundReads()
    }

    /// The ledger has become tight, or is no longer.
    mutating func boundReads() {
        readByteCount = ledger.isTight ? ByteLedger.floor : ReactorBuffers.receiveByteCount
    }
}

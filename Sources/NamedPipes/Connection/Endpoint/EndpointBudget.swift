// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The memory that an endpoint's connections use and may use, and the consequences of a shortage.
struct EndpointBudget {
    let ledger: ByteLedger

    /// The upper bound of one read: the whole receive buffer, or, while a budget is tight, the floor that every
    /// connection may hold in any case.
    private(set) var readByteCount = ReactorBuffers.receiveByteCount

    /// The size up to which a fresh queue may be filled without a decision. While a budget is tight, each message is
    /// written at once.
    private(set) var prepaidByteCount = -1

    /// The demand on an exhausted budget, until the library has looked for the largest holder.
    var demand: BudgetDemand?
    var shortageTimer: ScheduledWork?

    /// Looks for the largest holder in place of the endpoint, among the connections of other threads as well.
    var relieveElsewhere: ((BudgetDemand) -> Void)?

    /// Looks whether a budget that is shared with other threads has room again: they say nothing when they return some.
    var roomTimer: ScheduledWork?

    init(_ ledger: ByteLedger, _ admission: QueueAdmission) {
        self.ledger = ledger
        adapt(admission)
    }

    /// Adapts the bounds when the ledger becomes tight or has room again, or the rules have changed.
    mutating func adapt(_ admission: QueueAdmission) {
        readByteCount = ledger.isTight ? ByteLedger.floor : ReactorBuffers.receiveByteCount
        prepaidByteCount = ledger.isTight ? -1 : admission.allowance
    }
}

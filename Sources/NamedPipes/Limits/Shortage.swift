// SPDX-License-Identifier: Apache-2.0

/// Chooses the connection that leaves when a budget is used up: the hoarder, not the next that asks. A value, which is
/// shown every connection once.
///
/// The largest holder leaves if it has more than twice what the smallest request would come to. Otherwise there is no
/// hoarder, and the budget is too small for the requests: then the largest waiting connection leaves, so that the
/// others go on.
struct Shortage<Holder> {
    /// What the smallest request would come to in all, in bytes.
    let demand: Int
    private var largest: (holder: Holder, byteCount: Int)?
    private var largestWaiting: (holder: Holder, byteCount: Int)?

    init(demand: Int) { self.demand = demand }

    /// - Parameters:
    ///   - byteCount: what it has in the budget.
    ///   - isWaiting: whether it waits for more.
    mutating func consider(_ holder: Holder, _ byteCount: Int, isWaiting: Bool) {
        if byteCount > largest?.byteCount ?? 0 { largest = (holder, byteCount) }
        if isWaiting, byteCount > largestWaiting?.byteCount ?? -1 { largestWaiting = (holder, byteCount) }
    }

    /// Nil if no connection has to leave.
    var leaver: Holder? {
        if let largest, largest.byteCount / 2 > demand { return largest.holder }
        return largestWaiting?.holder
    }
}

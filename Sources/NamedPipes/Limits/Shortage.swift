// SPDX-License-Identifier: Apache-2.0

/// Chooses the connection that has to leave when a budget is exhausted: the largest holder, not the next one that asks.
/// A value that is shown every connection once.
///
/// The largest holder leaves if it has more than twice the total of the smallest request. Otherwise no holder is to
/// blame, and the budget is too small for the requests: then the largest waiting connection leaves, so that the others
/// can continue.
struct Shortage<Holder> {
    /// The total, in bytes, that the smallest request would reach.
    let demand: Int
    private var largest: (holder: Holder, byteCount: Int)?
    private var largestWaiting: (holder: Holder, byteCount: Int)?

    init(demand: Int) { self.demand = demand }

    /// - Parameters:
    ///   - byteCount: its charge in the budget.
    ///   - isWaiting: whether it waits for more.
    mutating func consider(_ holder: Holder, _ byteCount: Int, isWaiting: Bool) {
        if byteCount > largest?.byteCount ?? 0 { largest = (holder, byteCount) }
        if isWaiting, byteCount > largestWaiting?.byteCount ?? -1 { largestWaiting = (holder, byteCount) }
    }

    /// Nil if no connection has to leave.
    var leaver: Holder? { choice?.holder }

    /// The connection that has to leave, and its charge.
    var choice: (holder: Holder, byteCount: Int)? {
        if let largest, largest.byteCount / 2 > demand { return largest }
        return largestWaiting
    }

    /// The two charges that decide, without the holders: for the look at several threads' connections.
    var charges: (largest: Int?, largestWaiting: Int?) { (largest?.byteCount, largestWaiting?.byteCount) }
}

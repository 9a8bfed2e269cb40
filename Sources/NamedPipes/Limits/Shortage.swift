// SPDX-License-Identifier: Apache-2.0

/// Who leaves where a budget is used up: the one who hoards, not the next who asks. A value, which is shown every
/// connection once.
///
/// The largest holder leaves, if it has more than twice what the one who asks for least would have. Otherwise nobody
/// hoards, and the budget is too small for what is wanted of it: then the largest of those who wait leaves, so that the
/// others go on.
struct Shortage<Holder> {
    /// What the one who asks for least would have in all, in bytes.
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

    /// Nil where nobody has to.
    var leaver: Holder? {
        if let largest, largest.byteCount / 2 > demand { return largest.holder }
        return largestWaiting?.holder
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Replies that say that some request of this end has failed, but not which: errors whose id is null, and replies that
/// cannot be read.
///
/// Each means one of the requests that were under way when it arrived. A request is given up once no other can be
/// meant: at once if it is the only one, otherwise when all but as many as there are failures have been answered. So no
/// request is given up in place of another.
struct UnattributedFailures {
    typealias Verdict = (number: Int64, failure: any Error)

    private var suspects: Set<Int64> = []
    private var failures: [any Error] = []

    /// - Parameter suspects: the requests that the other end may have seen and has not answered.
    /// - Returns: the requests that have failed.
    mutating func add(_ failure: any Error, suspects: Set<Int64>) -> [Verdict] {
        self.suspects.formUnion(suspects)
        failures.append(failure)
        return judge()
    }

    /// - Parameter isAnswered: false if it can no longer be known whether it was answered. In that case it may be one
    ///   that has failed, and removes a failure.
    /// - Returns: the requests that have failed.
    mutating func forget(_ number: Int64, isAnswered: Bool) -> [Verdict] {
        guard suspects.remove(number) != nil else { return [] }
        if !isAnswered { failures.removeFirst() }
        return judge()
    }

    private mutating func judge() -> [Verdict] {
        guard !failures.isEmpty, suspects.count <= failures.count else {
            if failures.isEmpty { suspects = [] }
            return []
        }
        defer { self = UnattributedFailures() }
        return zip(suspects.sorted(), failures).map { ($0, $1) }
    }
}

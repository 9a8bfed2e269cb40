// SPDX-License-Identifier: Apache-2.0

/// Counts how often each case has occurred: one addition each, without hashing.
struct CaseCounts<Case: CaseIterable & Hashable> {
    private var counts = [Int](repeating: 0, count: Case.allCases.count)

    mutating func count(_ index: Int, _ addition: Int = 1) { counts[index] += addition }

    func add(to totals: inout [Case: Int]) {
        for (value, count) in zip(Case.allCases, counts) where count > 0 { totals[value, default: 0] += count }
    }
}

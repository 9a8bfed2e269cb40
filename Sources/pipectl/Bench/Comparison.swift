// SPDX-License-Identifier: Apache-2.0

/// Numbers of several rounds: their median, and how far apart they are.
struct Spread: Encodable, Equatable {
    let median: Double
    let lowest: Double
    let highest: Double

    /// Nil if there is no number.
    init?(_ numbers: [Double]) {
        let sorted = numbers.filter(\.isFinite).sorted()
        guard let lowest = sorted.first, let highest = sorted.last else { return nil }
        self.lowest = lowest
        self.highest = highest
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

/// Two servers that were measured in turns: the second one's figures divided by the first one's, round by round.
struct Comparison: Encodable, Equatable {
    let messagesPerSecond: Spread?
    let p50: Spread?
    let p99: Spread?

    /// - Parameter rounds: the first and the second server's, as many of each.
    init(_ first: [RoundResult], _ second: [RoundResult]) {
        func ratios(_ figure: (RoundResult) -> Double?) -> Spread? {
            Spread(
                zip(first, second).compactMap { first, second in
                    guard let first = figure(first), let second = figure(second), first > 0 else { return nil }
                    return second / first
                })
        }
        messagesPerSecond = ratios(\.messagesPerSecond)
        p50 = ratios { $0.latencies.percentile(0.5).map { $0 / .seconds(1) } }
        p99 = ratios { $0.latencies.percentile(0.99).map { $0 / .seconds(1) } }
    }
}

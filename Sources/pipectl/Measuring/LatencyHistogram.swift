// SPDX-License-Identifier: Apache-2.0

/// Counts times in buckets whose width is at most 1/32 of their value: every percentile is known to 3 percent, in a
/// fixed 15 KiB. The worst time and the mean are exact.
struct LatencyHistogram {
    private var counts: [Int] = Array(repeating: 0, count: 59 * 32 + 64)
    private(set) var count = 0
    private var worstNanoseconds = 0
    private var sum = 0.0

    /// - Parameter nanoseconds: 0 or more.
    mutating func record(nanoseconds: Int) {
        counts[Self.bucket(of: nanoseconds)] += 1
        count += 1
        worstNanoseconds = max(worstNanoseconds, nanoseconds)
        sum += Double(nanoseconds)
    }

    /// Adds the times of another histogram.
    mutating func add(_ other: LatencyHistogram) {
        for (bucket, number) in other.counts.enumerated() { counts[bucket] += number }
        count += other.count
        worstNanoseconds = max(worstNanoseconds, other.worstNanoseconds)
        sum += other.sum
    }

    /// The longest time; nil if there is none.
    var worst: Duration? { count > 0 ? .nanoseconds(worstNanoseconds) : nil }

    /// The average; nil if there is none.
    var mean: Duration? { count > 0 ? .nanoseconds(Int(sum / Double(count))) : nil }

    /// The time that a fraction of all recorded times does not exceed; nil if there is none.
    func percentile(_ fraction: Double) -> Duration? {
        guard count > 0 else { return nil }
        var left = max(1, Int((Double(count) * fraction).rounded(.up)))
        for (bucket, number) in counts.enumerated() {
            left -= number
            if left <= 0 { return .nanoseconds(min(Self.upperBound(of: bucket), worstNanoseconds)) }
        }
        return nil
    }

    /// Values below 64 have buckets of their own; above, each power of two is divided into 32 buckets.
    private static func bucket(of value: Int) -> Int {
        guard value >= 64 else { return max(value, 0) }
        let shift = Int.bitWidth - 1 - value.leadingZeroBitCount - 5
        return shift * 32 + (value >> shift)
    }

    private static func upperBound(of bucket: Int) -> Int {
        guard bucket >= 64 else { return bucket }
        let shift = bucket / 32 - 1
        return (bucket % 32 + 32) << shift | ((1 << shift) - 1)
    }
}

/// The usual figures of a histogram, for `--json`.
struct LatencyRecord: Encodable, Equatable {
    let mean: Double
    let p50: Double
    let p90: Double
    let p99: Double
    let p999: Double
    let worst: Double

    /// In seconds; nil if there is no time.
    init?(_ histogram: LatencyHistogram) {
        guard let mean = histogram.mean, let worst = histogram.worst else { return nil }
        func percentile(_ fraction: Double) -> Double { (histogram.percentile(fraction) ?? worst) / .seconds(1) }
        self.mean = mean / .seconds(1)
        self.worst = worst / .seconds(1)
        (p50, p90, p99, p999) = (percentile(0.5), percentile(0.9), percentile(0.99), percentile(0.999))
    }
}

extension LatencyHistogram {
    /// `p50 41 µs, p90 60 µs, p99 1.2 ms, p99.9 2.0 ms, worst 4.1 ms`; a dash for each if there is no time.
    var text: String {
        let shown = { (time: Duration?) in time.map(readable) ?? "-" }
        return [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)].map { name, fraction in
            "\(name) \(shown(percentile(fraction))), "
        }.joined() + "worst \(shown(worst))"
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Counts times in buckets whose width is at most 1/32 of their value: every percentile is known to 3 percent, in a
/// fixed 15 KiB.
struct LatencyHistogram {
    private var counts: [Int] = Array(repeating: 0, count: 59 * 32 + 64)
    private(set) var count = 0

    /// - Parameter nanoseconds: 0 or more.
    mutating func record(nanoseconds: Int) {
        counts[Self.bucket(of: nanoseconds)] += 1
        count += 1
    }

    /// The time that a fraction of all recorded times does not exceed; nil if there is none.
    func percentile(_ fraction: Double) -> Duration? {
        guard count > 0 else { return nil }
        var left = max(1, Int((Double(count) * fraction).rounded(.up)))
        for (bucket, number) in counts.enumerated() {
            left -= number
            if left <= 0 { return .nanoseconds(Self.upperBound(of: bucket)) }
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

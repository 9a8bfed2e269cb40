// SPDX-License-Identifier: Apache-2.0

/// Durations in nanoseconds, 64 steps to every power of two, as in `c-load`.
struct Histogram {
    private static let steps: UInt64 = 64
    private var counts = [UInt64](repeating: 0, count: 60 * 64)
    private(set) var total: UInt64 = 0
    private(set) var maximum: UInt64 = 0

    mutating func record(_ value: UInt64) {
        counts[Self.index(value)] += 1
        total += 1
        maximum = max(maximum, value)
    }

    /// The value that the given part of all values, 0 to 1, does not exceed.
    func quantile(_ part: Double) -> UInt64 {
        let rank = UInt64(part * Double(total))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen > rank { return min(Self.upperBound(index), maximum) }
        }
        return maximum
    }

    private static func index(_ value: UInt64) -> Int {
        guard value >= steps else { return Int(value) }
        let shift = 57 - value.leadingZeroBitCount
        return (shift + 1) * Int(steps) + Int((value >> UInt64(shift)) - steps)
    }

    private static func upperBound(_ index: Int) -> UInt64 {
        let (row, step) = (UInt64(index) / steps, UInt64(index) % steps)
        return row == 0 ? step : ((step + steps + 1) << (row - 1)) - 1
    }
}

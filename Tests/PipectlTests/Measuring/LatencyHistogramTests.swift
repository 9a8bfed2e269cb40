// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import pipectl

struct LatencyHistogramTests {
    @Test func `percentiles are accurate to 3 percent`() {
        var histogram = LatencyHistogram()
        #expect(histogram.percentile(0.5) == nil)
        for value in 1...100_000 { histogram.record(nanoseconds: value) }
        for (fraction, exact) in [(0.00001, 1.0), (0.5, 50_000.0), (0.99, 99_000.0), (1, 100_000.0)] {
            let found = (histogram.percentile(fraction) ?? .zero) / .nanoseconds(1)
            #expect(found >= exact && found <= exact * 1.035, "\(fraction): \(found)")
        }
        histogram.record(nanoseconds: .max)
        #expect(histogram.percentile(1) == .nanoseconds(Int.max))
    }

    @Test func `the extremes and the mean are exact`() {
        var histogram = LatencyHistogram()
        #expect(histogram.worst == nil && histogram.mean == nil)
        #expect(histogram.text == "p50 -, p90 -, p99 -, p99.9 -, worst -")
        for number in 1...1001 { histogram.record(nanoseconds: number * 999) }
        #expect(histogram.worst == .nanoseconds(999_999))
        #expect(histogram.percentile(1) == histogram.worst)
        #expect(histogram.mean == .nanoseconds(500_499))
    }

    @Test func `the sum of two is the histogram of both`() {
        var (low, high, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for number in 0..<1000 {
            low.record(nanoseconds: number)
            high.record(nanoseconds: number * 1_000_000)
            both.record(nanoseconds: number)
            both.record(nanoseconds: number * 1_000_000)
        }
        low.add(high)
        #expect(low.count == 2000)
        #expect(LatencyRecord(low) == LatencyRecord(both))
        #expect(LatencyRecord(LatencyHistogram()) == nil)
    }
}

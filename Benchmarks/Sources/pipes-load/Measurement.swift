// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The state that the connections of the load share.
final class Measurement {
    var replyCount: UInt64 = 0
    var isMeasuring = false
    private(set) var latencies = Histogram()

    func record(since begin: UInt64) {
        if isMeasuring { latencies.record(nanoseconds(CLOCK_MONOTONIC) - begin) }
    }
}

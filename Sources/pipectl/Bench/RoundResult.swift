// SPDX-License-Identifier: Apache-2.0

/// What a round has measured; or several of them together.
struct RoundResult {
    /// Messages that were to be sent: with a rate also those that the server's slowness kept from being sent.
    var dueCount = 0
    var sentCount = 0
    var replyCount = 0
    /// Replies that were not what they should be.
    var wrongCount = 0
    var sentByteCount = 0
    var receivedByteCount = 0
    /// From the beginning to the last reply.
    var nanoseconds = 0
    /// The CPU time of the thread that makes the load.
    var ownCPUNanoseconds = 0
    /// By how much a message was sent after it was due, at most; 0 without a rate.
    var worstSendDelay = 0
    var latencies = LatencyHistogram()

    var lostCount: Int { max(0, dueCount - replyCount) }

    var messagesPerSecond: Double { perSecond(replyCount) }
    var sentBytesPerSecond: Double { perSecond(sentByteCount) }

    /// The share of a CPU that the load itself took.
    var ownCPUShare: Double { nanoseconds > 0 ? Double(ownCPUNanoseconds) / Double(nanoseconds) : 0 }

    private func perSecond(_ count: Int) -> Double { nanoseconds > 0 ? Double(count) * 1e9 / Double(nanoseconds) : 0 }

    static func + (left: RoundResult, right: RoundResult) -> RoundResult {
        var sum = left
        sum.dueCount += right.dueCount
        sum.sentCount += right.sentCount
        sum.replyCount += right.replyCount
        sum.wrongCount += right.wrongCount
        sum.sentByteCount += right.sentByteCount
        sum.receivedByteCount += right.receivedByteCount
        sum.nanoseconds += right.nanoseconds
        sum.ownCPUNanoseconds += right.ownCPUNanoseconds
        sum.worstSendDelay = max(sum.worstSendDelay, right.worstSendDelay)
        sum.latencies.add(right.latencies)
        return sum
    }
}

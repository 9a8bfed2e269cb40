// SPDX-License-Identifier: Apache-2.0

/// The results of one kind of client.
struct Tally {
    var sentCount = 0
    /// Replies that were what had been sent.
    var rightCount = 0
    /// Replies with other contents, or without a request.
    var wrongCount = 0
    /// Of the messages that came back, in one direction, without the framing's bytes.
    var byteCount = 0

    var lostCount: Int { sentCount - rightCount - wrongCount }
    var isFlawless: Bool { lostCount == 0 && wrongCount == 0 }

    static func + (left: Tally, right: Tally) -> Tally {
        Tally(
            sentCount: left.sentCount + right.sentCount, rightCount: left.rightCount + right.rightCount,
            wrongCount: left.wrongCount + right.wrongCount, byteCount: left.byteCount + right.byteCount)
    }
}

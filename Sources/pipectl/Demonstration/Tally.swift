// SPDX-License-Identifier: Apache-2.0

/// The results of one kind of client.
struct Tally {
    var sentCount = 0
    /// The number of replies that were equal to the sent message.
    var rightCount = 0
    /// The number of replies with other contents, or without a request.
    var wrongCount = 0
    /// The size of the messages that came back, in one direction, without the framing's bytes.
    var byteCount = 0

    var lostCount: Int { sentCount - rightCount - wrongCount }
    var isFlawless: Bool { lostCount == 0 && wrongCount == 0 }

    static func + (left: Tally, right: Tally) -> Tally {
        Tally(
            sentCount: left.sentCount + right.sentCount, rightCount: left.rightCount + right.rightCount,
            wrongCount: left.wrongCount + right.wrongCount, byteCount: left.byteCount + right.byteCount)
    }
}

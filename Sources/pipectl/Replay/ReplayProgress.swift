// SPDX-License-Identifier: Apache-2.0

/// How far the replay of a connection has come, and what it does next: a value without a socket and a clock.
struct ReplayProgress {
    enum Step: Equatable {
        case send([UInt8])
        /// The next message is due at this time after the beginning of the replay.
        case wait(until: Duration)
        /// Nothing happens before another answer comes. It was due at this time; nil if no clock says so.
        case awaitAnswer(due: Duration?)
        /// All is sent, and all recorded answers have come.
        case finish
    }

    let script: ReplayScript
    private let pace: ReplayPace
    private let comparesAnswers: Bool
    private(set) var sentCount = 0
    private(set) var sentByteCount = 0
    /// How many answers have come.
    private(set) var answerCount = 0
    /// How much of what was recorded has come, in messages or bytes; more, if more has come.
    private var position = 0

    init(_ script: ReplayScript, _ pace: ReplayPace, comparesAnswers: Bool) {
        self.script = script
        self.pace = pace
        self.comparesAnswers = comparesAnswers
    }

    /// - Parameter time: since the beginning of the replay.
    func next(at time: Duration) -> Step {
        guard sentCount < script.requests.count else {
            guard comparesAnswers, missingCount > 0 else { return .finish }
            return .awaitAnswer(due: pace.time(of: script.lastAnswerOffset))
        }
        let request = script.requests[sentCount]
        if let due = pace.time(of: request.offset) {
            return due <= time ? .send(request.bytes) : .wait(until: due)
        }
        return !comparesAnswers || position >= request.answersBefore ? .send(request.bytes) : .awaitAnswer(due: nil)
    }

    /// How many recorded answers, or bytes of them, have not come.
    var missingCount: Int { comparesAnswers ? max(0, script.answers.count - position) : 0 }

    mutating func didSend() {
        sentByteCount += script.requests[sentCount].bytes.count
        sentCount += 1
    }

    /// - Returns: how the answer is not the recorded one.
    mutating func didReceive(_ answer: [UInt8]) -> AnswerDifference? {
        answerCount += 1
        guard comparesAnswers else { return nil }
        defer { position += script.answers.weight(of: answer) }
        return script.answers.difference(of: answer, at: position)
    }
}

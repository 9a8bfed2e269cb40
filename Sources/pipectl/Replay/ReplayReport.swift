// SPDX-License-Identifier: Apache-2.0

/// What a replay has done, and how its answers differ from the recording.
struct ReplayReport: Encodable, Equatable {
    let address: String
    var connectionCount = 0
    var sentCount = 0
    var sentByteCount = 0
    var answerCount = 0
    /// Answers that are not the recorded ones, or were not recorded.
    var differenceCount = 0
    /// Recorded answers that did not come; bytes of them in a stream.
    var missingCount = 0
    /// Connections that ended otherwise than in the recording.
    var failureCount = 0
    var seconds = 0.0
    /// How many lines there were about all this; not part of the report.
    var lineCount = 0

    init(address: String) { self.address = address }

    private enum CodingKeys: String, CodingKey {
        case address
        case connectionCount = "connections"
        case sentCount = "sent"
        case sentByteCount = "sentBytes"
        case answerCount = "answers"
        case differenceCount = "differences"
        case missingCount = "missing"
        case failureCount = "failures"
        case seconds
    }

    mutating func add(_ progress: ReplayProgress) {
        sentCount += progress.sentCount
        sentByteCount += progress.sentByteCount
        answerCount += progress.answerCount
    }

    /// `12 of 40 connections, 1,234 of 5,000 messages, 1,230 answers`.
    func progressText(of scripts: [ReplayScript]) -> String {
        let messageCount = scripts.reduce(0) { $0 + $1.requests.count }
        return "\(grouped(connectionCount)) of \(counted(scripts.count, "connection")), "
            + "\(grouped(sentCount)) of \(counted(messageCount, "message")), \(counted(answerCount, "answer"))"
    }

    var isAlike: Bool { differenceCount == 0 && missingCount == 0 && failureCount == 0 }

    /// One line, without a line feed.
    ///
    /// - Parameter comparesAnswers: whether the answers were compared.
    func text(comparesAnswers: Bool) -> String {
        let what =
            "replayed \(counted(sentCount, "message")) on \(counted(connectionCount, "connection")) in "
            + "\(decimal(seconds)) s: \(counted(answerCount, "answer"))"
        guard comparesAnswers else { return what }
        return isAlike ? "\(what), all as recorded" : "\(what), \(troubles)"
    }

    /// `2 different, 1 missing, 1 connection failed`.
    var troubles: String {
        var parts: [String] = []
        if differenceCount > 0 { parts.append("\(grouped(differenceCount)) different") }
        if missingCount > 0 { parts.append("\(grouped(missingCount)) missing") }
        if failureCount > 0 { parts.append("\(counted(failureCount, "connection")) failed") }
        return parts.joined(separator: ", ")
    }
}

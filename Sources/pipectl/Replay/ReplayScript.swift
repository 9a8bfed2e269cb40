// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// The conversation of one connection of a recording, as a client replays it.
struct ReplayScript: Hashable {
    /// A message of the client.
    struct Request: Hashable {
        var bytes: [UInt8]
        /// How long after the first message of the recording, in nanoseconds.
        var offset: Int64
        /// How much the server had answered before: as many messages, or, in a stream, bytes.
        var answersBefore: Int
    }

    let connection: String
    private(set) var requests: [Request] = []
    private(set) var answers: RecordedAnswers
    /// When the last answer came.
    private(set) var lastAnswerOffset: Int64 = 0
    /// The positions of its first and last message in the recording.
    let first: Int
    private(set) var last: Int
    /// When it begins.
    let offset: Int64

    fileprivate init(_ connection: String, isStream: Bool, at position: Int, offset: Int64) {
        self.connection = connection
        answers = RecordedAnswers(isStream: isStream)
        (first, last) = (position, position)
        self.offset = offset
    }

    fileprivate mutating func append(_ message: CapturedMessage, at position: Int, offset: Int64) {
        last = position
        switch message.direction {
        case .toServer:
            requests.append(Request(bytes: message.bytes, offset: offset, answersBefore: answers.count))
        case .toClient:
            answers.append(message.bytes)
            lastAnswerOffset = offset
        }
    }
}

extension ReplayScript {
    /// The scripts of a recording, in the order in which they begin.
    ///
    /// - Parameters:
    ///   - isStream: whether messages are pieces of a stream, whose sizes say nothing.
    ///   - needsAnswers: whether the answers have to be whole, too.
    /// - Throws: ``Failure`` if there is nothing to replay, or a message of which only the beginning was recorded.
    static func all(
        of recording: Recording, isStream: Bool, needsAnswers: Bool
    ) throws(Failure) -> [ReplayScript] {
        let messages = recording.events.compactMap { if case .message(let message) = $0 { message } else { nil } }
        guard let start = messages.map(\.nanoseconds).min() else { throw Failure("the recording has no messages") }
        let cut = messages.filter { $0.isCut && (needsAnswers || $0.direction == .toServer) }
        if let first = cut.first {
            throw Failure(
                "\(counted(cut.count, "message")) cut in the recording, which cannot be replayed: the first is message "
                    + "\(first.sequence), of which \(first.bytes.count) of \(first.byteCount) bytes are there")
        }
        var scripts: [ReplayScript] = []
        var places: [String: Int] = [:]
        for (position, message) in messages.enumerated() {
            let (difference, overflow) = message.nanoseconds.subtractingReportingOverflow(start)
            let offset = overflow ? .max : difference
            let place = places[message.connection] ?? scripts.count
            if place == scripts.count {
                places[message.connection] = place
                scripts.append(ReplayScript(message.connection, isStream: isStream, at: position, offset: offset))
            }
            scripts[place].append(message, at: position, offset: offset)
        }
        return scripts
    }
}

/// What a server answered on a connection: messages, or a stream of bytes.
struct RecordedAnswers: Hashable {
    let isStream: Bool
    private var messages: [[UInt8]] = []
    private var stream: [UInt8] = []

    init(isStream: Bool) { self.isStream = isStream }

    /// How many messages, or bytes.
    var count: Int { isStream ? stream.count : messages.count }

    mutating func append(_ message: [UInt8]) {
        if isStream { stream += message } else { messages.append(message) }
    }

    /// How much an answer that came counts.
    func weight(of answer: [UInt8]) -> Int { isStream ? answer.count : 1 }

    /// Compares an answer with what was recorded.
    ///
    /// - Parameter position: how much has come before it.
    /// - Returns: nil if it is the same.
    func difference(of answer: [UInt8], at position: Int) -> AnswerDifference? {
        guard isStream else {
            guard position < messages.count else { return .unrecorded(answer) }
            let expected = messages[position]
            return Self.firstDifference(expected, answer).map {
                .different(number: position, offset: $0, expected: expected, actual: answer)
            }
        }
        let expected = Array(stream.dropFirst(position).prefix(answer.count))
        if expected.isEmpty { return .unrecorded(answer) }
        return Self.firstDifference(expected, answer).map {
            // As far as what came, and a little more: the whole rest would be copied for each piece.
            .different(
                number: nil, offset: position + $0,
                expected: Array(stream.dropFirst(position).prefix(answer.count + 64)), actual: answer)
        }
    }

    private static func firstDifference(_ expected: [UInt8], _ actual: [UInt8]) -> Int? {
        guard expected != actual else { return nil }
        return zip(expected, actual).enumerated().first { $1.0 != $1.1 }?.offset ?? min(expected.count, actual.count)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// What a server has carried, for the summary at its end.
struct ServerTally: Sendable {
    private let countedWord: String
    private(set) var messageCount = 0
    private(set) var byteCount = 0
    private(set) var endings: [String: Int] = [:]

    /// - Parameter countedWord: what the summary counts. The default is messages.
    init(counting countedWord: String = "message") { self.countedWord = countedWord }

    mutating func countMessage(_ byteCount: Int) {
        messageCount += 1
        self.byteCount += byteCount
    }

    mutating func countEnd(_ reason: DisconnectReason) { endings[reason.text, default: 0] += 1 }

    /// Adds what another reactor has carried.
    mutating func add(_ other: ServerTally) {
        messageCount += other.messageCount
        byteCount += other.byteCount
        endings.merge(other.endings, uniquingKeysWith: +)
    }

    /// One line, without a line feed.
    var summary: String {
        let reasons = endings.sorted { $0.key < $1.key }.map { "\(grouped($0.value)) \($0.key)" }
        let connections = counted(endings.values.reduce(0, +), "connection")
        let ends = reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))"
        return "\(connections)\(ends), \(counted(messageCount, countedWord)), \(readable(byteCount: byteCount))"
    }
}

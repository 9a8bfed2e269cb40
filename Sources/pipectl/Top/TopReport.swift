// SPDX-License-Identifier: Apache-2.0
internal import NamedPipesRPC

/// A list of connections for a person, 80 columns wide.
struct TopReport {
    let list: ConnectionList
    private let workers: WorkerReport?
    private let hint: String?
    private let before: [String: ConnectionSnapshot]
    /// Seconds since the earlier list; nil without one.
    private let elapsed: Double?

    /// - Parameters:
    ///   - last: the list before, for rates; nil for the first one.
    ///   - workers: those of a pool, if they are to be shown.
    ///   - hint: what a person may do, as a line of its own.
    init(
        _ list: ConnectionList, since last: ConnectionList?, workers: WorkerReport? = nil, hint: String? = nil
    ) {
        self.list = list
        self.workers = workers
        self.hint = hint
        before = Dictionary((last?.connections ?? []).map { ($0.id, $0) }) { first, _ in first }
        elapsed = last.map { list.seconds - $0.seconds }.flatMap { $0 > 0 ? $0 : nil }
    }

    func text(title: String, _ style: TextStyle = .plain) -> String {
        let shown = list.connections.count < list.totalCount ? ", \(grouped(list.connections.count)) shown" : ""
        var lines = ["\(printable(title))  \(counted(list.totalCount, "connection"))\(shown)"]
        if let hint { lines.append(hint) }
        if let workers { lines += workers.lines(style) }
        let columns = Self.line(["ID", "PID", "PROGRAM", "IN/s", "OUT/s", "QUEUED", "IDLE", "AGE"])
        lines.append(style.paint(columns, .heading))
        lines += list.connections.map { Self.line(cells(of: $0)) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func cells(of connection: ConnectionSnapshot) -> [String] {
        let process = connection.processID
        return [
            printable(connection.id), process.map { "\($0)" } ?? "-", process.flatMap(ProcessFacts.name(of:)) ?? "-",
            messageRate(of: connection, \.receivedMessageCount), messageRate(of: connection, \.sentMessageCount),
            readable(byteCount: connection.queuedByteCount), connection.idleSeconds.map(shortTime) ?? "-",
            connection.ageSeconds.map(shortTime) ?? "-",
        ]
    }

    /// Messages a second since the earlier list, or over the connection's life if that had it not.
    private func messageRate(of connection: ConnectionSnapshot, _ count: KeyPath<ConnectionSnapshot, Int?>) -> String {
        guard let now = connection[keyPath: count] else { return "-" }
        if let elapsed, let then = before[connection.id]?[keyPath: count] {
            return rate(from: then, to: now, in: elapsed)
        }
        guard let age = connection.ageSeconds, age > 0 else { return "-" }
        return rate(from: 0, to: now, in: age)
    }

    /// Names to the left, numbers to the right.
    private static func line(_ cells: [String]) -> String {
        columns(cells, [10, 8, 15, 9, 9, 9, 6, 6], leftAligned: [0, 2])
    }
}

/// The growth of a count per second. The counts come from another program, so their difference may overflow `Int`.
func rate(from then: Int, to now: Int, in seconds: Double) -> String {
    grouped(whole(((Double(now) - Double(then)) / seconds).rounded()))
}

/// `0.4s`, `59s`, `12m`, `3h`, `14d`.
func shortTime(_ seconds: Double) -> String {
    switch seconds {
    case ..<9.95: "\(decimal(seconds))s"
    case ..<99.5: "\(whole(seconds.rounded()))s"
    case ..<5970: "\(whole((seconds / 60).rounded()))m"
    case ..<172_800: "\(whole((seconds / 3600).rounded()))h"
    default: "\(whole((seconds / 86_400).rounded()))d"
    }
}

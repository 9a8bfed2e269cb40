// SPDX-License-Identifier: Apache-2.0
internal import NamedPipesRPC

/// A list of connections for a person, 80 columns wide.
struct TopReport {
    let list: ConnectionList
    private let before: [String: ConnectionSnapshot]
    /// Seconds since the earlier list; nil without one.
    private let elapsed: Double?

    init(_ list: ConnectionList, since last: ConnectionList?) {
        self.list = list
        before = Dictionary((last?.connections ?? []).map { ($0.id, $0) }) { first, _ in first }
        elapsed = last.map { list.seconds - $0.seconds }.flatMap { $0 > 0 ? $0 : nil }
    }

    func text(title: String) -> String {
        let shown = list.connections.count < list.totalCount ? ", \(grouped(list.connections.count)) shown" : ""
        let head = "\(printable(title))  \(counted(list.totalCount, "connection"))\(shown)"
        let columns = Self.line(["ID", "PID", "PROGRAM", "IN/s", "OUT/s", "QUEUED", "IDLE", "AGE"])
        return ([head, columns] + list.connections.map { Self.line(cells(of: $0)) }).joined(separator: "\n") + "\n"
    }

    private func cells(of connection: ConnectionSnapshot) -> [String] {
        let process = connection.processID
        return [
            printable(connection.id), process.map { "\($0)" } ?? "-", process.flatMap(ProcessFacts.name(of:)) ?? "-",
            rate(of: connection, \.receivedMessageCount), rate(of: connection, \.sentMessageCount),
            readable(byteCount: connection.queuedByteCount), connection.idleSeconds.map(shortTime) ?? "-",
            connection.ageSeconds.map(shortTime) ?? "-",
        ]
    }

    /// Messages a second since the earlier list, or over the connection's life if that had it not.
    private func rate(of connection: ConnectionSnapshot, _ count: KeyPath<ConnectionSnapshot, Int?>) -> String {
        guard let now = connection[keyPath: count] else { return "-" }
        if let elapsed, let then = before[connection.id]?[keyPath: count] {
            return grouped(whole((Double(now - then) / elapsed).rounded()))
        }
        guard let age = connection.ageSeconds, age > 0 else { return "-" }
        return grouped(whole((Double(now) / age).rounded()))
    }

    private static let widths = [10, 8, 15, 9, 9, 9, 6, 6]

    private static func line(_ cells: [String]) -> String {
        zip(cells, widths).enumerated().map { column, cell in
            let (text, width) = (String(cell.0.prefix(cell.1)), cell.1)
            let space = String(repeating: " ", count: width - text.count)
            // Names to the left, numbers to the right.
            return column == 0 || column == 2 ? text + space : space + text
        }.joined(separator: " ")
    }
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

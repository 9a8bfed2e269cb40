// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

/// The changing numbers of a server, a line for each report, at most 80 columns wide.
struct WatchTable {
    private static let columns = [
        ("OPEN", 6), ("WAIT", 4), ("IN/s", 9), ("B/s", 8), ("OUT/s", 9), ("B/s", 8), ("QUEUED", 8), ("CPU", 4),
        ("MEMORY", 8), ("EACH", 5),
    ]

    /// So that the names of the columns stay in sight.
    private static let headerInterval = 20
    private var lineCount = 0

    /// The line for a report, and before some of them a header.
    mutating func lines(_ report: ServerReport) -> String {
        defer { lineCount += 1 }
        let header = lineCount.isMultiple(of: Self.headerInterval) ? Self.line(Self.columns.map(\.0)) : ""
        return header + Self.line(cells(report))
    }

    /// A dash is what is unknown, because the server or the kernel does not tell.
    private func cells(_ report: ServerReport) -> [String] {
        let (statistics, rates) = (report.statistics, report.rates)
        let number = { (number: Int?) in number.map(grouped) ?? "-" }
        let rate = { (rate: Double?) in number(rate.map(whole)) }
        let bytes = { (count: Int?) in count.map { readable(byteCount: $0) } ?? "-" }
        return [
            number(statistics?.openCount ?? report.name.connections?.acceptedCount),
            number(report.name.connections?.waitingCount),
            rate(rates?.receivedMessagesPerSecond), bytes(rates?.receivedBytesPerSecond.map(whole)),
            rate(rates?.sentMessagesPerSecond), bytes(rates?.sentBytesPerSecond.map(whole)),
            bytes(statistics?.queuedByteCount), rates?.cpuShare.map { "\(whole(max(0, $0) * 100))%" } ?? "-",
            bytes(report.process?.residentByteCount), statistics.map(Self.dealt) ?? "",
        ]
    }

    /// How evenly the open connections are dealt to the workers of a pool; empty for a plain server.
    private static func dealt(_ statistics: ServerSnapshot) -> String {
        let counts = statistics.workers.map(\.openCount)
        guard let least = counts.min(), let most = counts.max() else { return "" }
        return least == most ? grouped(least) : "\(grouped(least))-\(grouped(most))"
    }

    private static func line(_ cells: [String]) -> String {
        let texts = zip(cells, columns).map { cell, column in
            String(repeating: " ", count: max(0, column.1 - cell.count)) + cell
        }
        return texts.joined(separator: " ") + "\n"
    }
}

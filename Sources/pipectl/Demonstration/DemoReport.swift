// SPDX-License-Identifier: Apache-2.0

/// The results, as a table.
struct DemoReport {
    let text: String
    /// The losses and errors, if there were any.
    let flaw: String?

    init(crowd: Crowd, strangers: [any Stranger], servers: [EchoServer], time: Duration) {
        let tallies = [crowd.tally] + strangers.map(\.tally)
        let total = tallies.dropFirst().reduce(crowd.tally, +)
        let columns = tallies + [total]
        func row(_ title: String, _ cell: (Tally) -> String) -> [String] { [title] + columns.map(cell) }
        func latency(_ fraction: Double) -> String { crowd.latencies.percentile(fraction).map(readable) ?? "-" }

        let table = alignedTable([
            ["", "pipectl"] + strangers.map(\.name) + ["total"],
            ["clients", grouped(crowd.clientCount)] + strangers.map { _ in "1" }
                + [grouped(crowd.clientCount + strangers.count)],
            row("messages") { grouped($0.rightCount) },
            row("bytes") { readable(byteCount: $0.byteCount) },
            row("messages/s") { grouped(Int(Double($0.rightCount) / (time / .seconds(1)))) },
            row("lost") { grouped($0.lostCount) },
            row("wrong") { grouped($0.wrongCount) },
            ["latency p50", latency(0.5)],
            ["latency p99", latency(0.99)],
            ["latency p99.9", latency(0.999)],
        ])
        let reasons = crowd.reasons.sorted { $0.key < $1.key }.map { "\(grouped($0.value)) \($0.key)" }
        let ends = servers.map { "server     \($0.summary ?? "said nothing") (\($0.framing))" }
        text = ["", table, "", "clients    \(reasons.joined(separator: ", "))", ends.joined(separator: "\n")]
            .joined(separator: "\n")
        flaw = Self.flaw(total, strangers, servers)
    }

    private static func flaw(_ total: Tally, _ strangers: [any Stranger], _ servers: [EchoServer]) -> String? {
        if !total.isFlawless { return "\(grouped(total.lostCount)) lost, \(grouped(total.wrongCount)) wrong" }
        if total.rightCount == 0 { return "no message came back" }
        for stranger in strangers where stranger.exitStatus != 0 {
            return "\(stranger.name) \(stranger.exitStatus.map { "ended with status \($0)" } ?? "did not end")"
        }
        for server in servers where server.exitStatus != 0 {
            return "a server ended with status \(server.exitStatus ?? -1)"
        }
        return nil
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// The results of a measurement.
struct BenchReport: Encodable {
    /// Those of one server.
    struct Server: Encodable {
        let address: String
        let roundCount: Int
        let messageCount: Int
        let replyCount: Int
        let wrongCount: Int
        let lostCount: Int
        let seconds: Double
        let messagesPerSecond: Double
        let sentBytesPerSecond: Double
        let receivedBytesPerSecond: Double
        let latencySeconds: LatencyRecord?
        /// With a rate only.
        let worstSendDelaySeconds: Double?
        let ownCPUShare: Double
    }

    let connectionCount: Int
    /// Nil with a rate.
    let inFlightCount: Int?
    /// Nil without a rate.
    let dueMessagesPerSecond: Double?
    let messageByteCount: Int
    let isChecked: Bool
    let servers: [Server]
    /// For two servers, the second one's figures divided by the first one's.
    let ratios: Comparison?

    private let totals: [RoundResult]
    private enum CodingKeys: CodingKey {
        case connectionCount, inFlightCount, dueMessagesPerSecond, messageByteCount, isChecked, servers, ratios
    }

    /// - Parameter rounds: the rounds of each server.
    init(_ addresses: [String], _ plan: LoadPlan, _ rounds: [[RoundResult]]) {
        connectionCount = plan.connectionCount
        switch plan.pace {
        case .closed(let count): (inFlightCount, dueMessagesPerSecond) = (count, nil)
        case .open(let rate): (inFlightCount, dueMessagesPerSecond) = (nil, rate)
        }
        messageByteCount = plan.message.bytes.count
        if case .anything = plan.expectation { isChecked = false } else { isChecked = true }
        let totals = rounds.map { $0.reduce(RoundResult(), +) }
        self.totals = totals
        let hasRate = dueMessagesPerSecond != nil
        servers = zip(addresses, zip(rounds, totals)).map { address, results in
            let (rounds, total) = results
            let seconds = Double(total.nanoseconds) / 1e9
            return Server(
                address: address, roundCount: rounds.count, messageCount: total.dueCount,
                replyCount: total.replyCount, wrongCount: total.wrongCount, lostCount: total.lostCount,
                seconds: seconds, messagesPerSecond: Spread(rounds.map(\.messagesPerSecond))?.median ?? 0,
                sentBytesPerSecond: total.sentBytesPerSecond,
                receivedBytesPerSecond: seconds > 0 ? Double(total.receivedByteCount) / seconds : 0,
                latencySeconds: LatencyRecord(total.latencies),
                worstSendDelaySeconds: hasRate ? Double(total.worstSendDelay) / 1e9 : nil,
                ownCPUShare: total.ownCPUShare)
        }
        ratios = rounds.count == 2 ? Comparison(rounds[0], rounds[1]) : nil
    }
}

// MARK: - For a person

extension BenchReport {
    /// At most 80 columns wide, as long as the addresses are not longer.
    var text: String {
        let load = "\(counted(connectionCount, "connection")), \(paceText), messages of \(sizeText)\n"
        let lines = zip(servers, totals).map { server, total in
            let rows = [
                ("messages", "\(grouped(total.replyCount)) in \(decimal(server.seconds)) s, \(verdict(on: total))"),
                ("rate", rateText(server)),
                ("latency", total.latencies.text),
            ]
            return "\(server.address)\n" + (rows + notes(server)).map { "  \(padded($0.0, to: 10))\($0.1)\n" }.joined()
        }
        return load + lines.joined() + (ratios.map(text) ?? "")
    }

    private var paceText: String {
        inFlightCount.map { "\(grouped($0)) in flight on each" }
            ?? "\(grouped(whole(dueMessagesPerSecond ?? 0))) messages/s in all"
    }

    private var sizeText: String { readable(byteCount: messageByteCount) }

    private func verdict(on total: RoundResult) -> String {
        let flaws = [(total.lostCount, "missing"), (total.wrongCount, "wrong")].filter { $0.0 > 0 }
        guard flaws.isEmpty else { return flaws.map { "\(grouped($0.0)) \($0.1)" }.joined(separator: ", ") }
        return isChecked ? "every reply right" : "replies not compared"
    }

    private func rateText(_ server: Server) -> String {
        "\(grouped(whole(server.messagesPerSecond))) messages/s, out "
            + "\(readable(byteCount: whole(server.sentBytesPerSecond)))/s, in "
            + "\(readable(byteCount: whole(server.receivedBytesPerSecond)))/s"
    }

    /// What limits the meaning of the figures.
    private func notes(_ server: Server) -> [(String, String)] {
        var notes: [(String, String)] = []
        if let delay = server.worstSendDelaySeconds, delay > 0.001 {
            notes.append(("", "a message was sent \(readable(.seconds(delay))) after it was due"))
        }
        if server.ownCPUShare > 0.9 {
            let share = whole((server.ownCPUShare * 100).rounded())
            notes.append(("", "this client used \(share) % of a CPU: the server may be able to do more"))
        }
        return notes
    }

    private func text(_ ratios: Comparison) -> String {
        let rows = [("messages/s", ratios.messagesPerSecond), ("p50", ratios.p50), ("p99", ratios.p99)]
        let table = alignedTable(
            [["", "ratio", "lowest", "highest"]]
                + rows.compactMap { name, spread in
                    spread.map { [name, hundredths($0.median), hundredths($0.lowest), hundredths($0.highest)] }
                })
        let lines = table.split(separator: "\n").map { "  \($0)\n" }.joined()
        return "second : first, medians of \(counted(servers[0].roundCount, "round"))\n\(lines)\(conclusion(ratios))"
    }

    private func conclusion(_ ratios: Comparison) -> String {
        guard let rate = ratios.messagesPerSecond, dueMessagesPerSecond == nil else { return "" }
        return rate.lowest <= 1 && rate.highest >= 1
            ? "The rates differ by no more than the rounds among themselves.\n" : ""
    }

    private func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

/// Two decimal places: `1.07`.
private func hundredths(_ number: Double) -> String {
    let count = whole((number * 100).rounded())
    return "\(count / 100).\(count % 100 < 10 ? "0" : "")\(count % 100)"
}

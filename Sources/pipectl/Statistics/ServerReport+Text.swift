// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

// The report for a person.

extension ServerReport {
    /// The whole report, with a line for each kind of fact.
    var text: String {
        var rows: [(String, String)] = []
        if let file = name.file { rows.append(("file", "mode \(file.mode), uid \(file.uid), gid \(file.gid)")) }
        rows.append(("listener", "pid \(listener.pid), uid \(listener.uid), gid \(listener.gid)"))
        if let process {
            if let id = statistics?.processID, id != listener.pid { rows.append(("served by", "pid \(id)")) }
            rows.append(("command", process.command))
            rows.append(("process", process.text))
        }
        if let connections = name.connections { rows.append(("kernel", connections.text)) }
        if let statistics {
            rows += statistics.rows
        } else {
            let reason = hidesStatistics ? "for the server's user and root only" : "not offered (--stat)"
            rows.append(("statistics", reason))
        }
        let width = rows.map(\.0.count).max() ?? 0
        let lines = rows.map { "  \($0.0)\(String(repeating: " ", count: width - $0.0.count))  \($0.1)\n" }
        return "\(address)\n\(lines.joined())"
    }
}

extension ProcessFacts {
    fileprivate var text: String {
        let descriptors = descriptorCount.map { ", \(counted($0, "descriptor"))" } ?? ""
        return "\(readable(byteCount: residentByteCount)) resident, \(counted(threadCount, "thread"))\(descriptors), "
            + "\(decimal(cpuSeconds)) s of CPU time in \(decimal(runningSeconds)) s"
    }
}

extension NameFacts.Connections {
    fileprivate var text: String {
        "\(counted(acceptedCount, "connection")), \(grouped(waitingCount)) waiting to be accepted (of \(grouped(backlog)))"
    }
}

extension ServerSnapshot {
    /// A row for each heading of the counters, in their order; losses only if there are any.
    fileprivate var rows: [(String, String)] {
        var rows: [(String, String)] = []
        if let knownFraming { rows.append(("framing", knownFraming)) }
        for counter in ServerCounter.all where counter.kind != .loss || counts[counter] > 0 {
            if let last = rows.last, last.0 == counter.heading {
                rows[rows.count - 1].1 += ", \(text(counter))"
            } else {
                rows.append((counter.heading, text(counter)))
            }
        }
        if let row = rows.firstIndex(where: { $0.0 == "connections" }) { rows[row].1 += Self.list(closed) }
        if !refused.isEmpty { rows.append(("refused", String(Self.list(refused).dropFirst(2)))) }
        if let loop {
            rows.append(("loop", loop.text))
        }
        for (index, worker) in workers.enumerated() { rows.append(("worker \(index)", worker.text)) }
        return rows
    }

    private func text(_ counter: ServerCounter) -> String {
        let count = counts[counter]
        let amount =
            switch counter.unit {
            case .bytes: readable(byteCount: count)
            case .messages where counter.word.isEmpty: counted(count, "message")
            default: grouped(count)
            }
        return counter.word.isEmpty ? amount : "\(amount) \(counter.word)"
    }

    private static func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { ", \(grouped($0.value)) \(printable($0.key))" }.joined()
    }
}

extension ServerSnapshot.Loop {
    fileprivate var text: String { "longest turn \(decimal(maximumLagSeconds * 1000)) ms" }
}

extension ServerSnapshot.Worker {
    fileprivate var text: String {
        let parts = [
            "\(grouped(self.openCount)) open", "\(counted(self.receivedMessageCount, "message")) received",
            "\(grouped(self.sentMessageCount)) sent", "\(readable(byteCount: self.queuedByteCount)) queued",
        ]
        return (parts + (loop.map { [$0.text] } ?? [])).joined(separator: ", ")
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

/// The workers of a pool at one moment.
struct WorkerSample {
    let snapshot: ServerSnapshot
    /// What each worker's thread has used of its CPU; nil where that is unknown.
    let cpuSeconds: [Double?]

    /// - Parameter threads: user and system time of the process's threads, by name; see ``ThreadFacts``.
    init(_ snapshot: ServerSnapshot, threads: [String: Double]) {
        self.snapshot = snapshot
        // The names that PipeServerPool gives them.
        cpuSeconds = snapshot.workers.indices.map { threads["pool \($0)"] }
    }
}

/// The workers of a pool for a person, a line each, 80 columns wide. Empty for a plain server.
struct WorkerReport {
    let sample: WorkerSample
    private let before: WorkerSample?
    /// Seconds since the earlier sample; nil without one.
    private let elapsed: Double?

    /// More would leave no room for connections.
    private static let longest = 16

    init(_ sample: WorkerSample, since last: WorkerSample?) {
        self.sample = sample
        // Another process may serve the name by now.
        let isSame = last?.snapshot.processID == sample.snapshot.processID
        before = isSame && last?.snapshot.workers.count == sample.snapshot.workers.count ? last : nil
        elapsed = before.map { sample.snapshot.seconds - $0.snapshot.seconds }.flatMap { $0 > 0 ? $0 : nil }
    }

    func lines(_ style: TextStyle = .plain) -> [String] {
        let workers = sample.snapshot.workers
        guard !workers.isEmpty else { return [] }
        let columns = Self.line(["WORKER", "CONNECTIONS", "IN/s", "OUT/s", "QUEUED", "BUSY"])
        let shown = workers.indices.prefix(Self.longest).map { Self.line(cells(of: $0)) }
        let rest = workers.count > shown.count ? ["… \(grouped(workers.count - shown.count)) more"] : []
        return [style.paint(columns, .heading)] + shown + rest + [""]
    }

    private func cells(of index: Int) -> [String] {
        let worker = sample.snapshot.workers[index]
        return [
            "\(index)", grouped(worker.openCount), messageRate(of: index, \.receivedMessageCount),
            messageRate(of: index, \.sentMessageCount), readable(byteCount: worker.queuedByteCount), busy(index),
        ]
    }

    private func messageRate(of index: Int, _ count: KeyPath<ServerSnapshot.Worker, Int>) -> String {
        guard let before, let elapsed else { return "-" }
        return rate(
            from: before.snapshot.workers[index][keyPath: count], to: sample.snapshot.workers[index][keyPath: count],
            in: elapsed)
    }

    /// The share of a CPU that the worker's thread has used.
    private func busy(_ index: Int) -> String {
        guard let elapsed, let now = sample.cpuSeconds[index], let then = before?.cpuSeconds[index] else { return "-" }
        return "\(whole((max(0, now - then) / elapsed * 100).rounded()))%"
    }

    private static func line(_ cells: [String]) -> String { columns(cells, [10, 11, 9, 9, 9, 5], leftAligned: [0]) }
}

// SPDX-License-Identifier: Apache-2.0
#if Service
internal import CoreMetrics
internal import NamedPipes
internal import Synchronization

/// Publishes the numbers of one run of a server.
final class ServerMetrics: Sendable {
    private struct Published {
        var server = PipeServer.Statistics()
        var slowCallbackCounts: [Int]
    }

    private let interval: Duration?
    private let instruments: ServerInstruments?
    private let published: Mutex<Published>
    /// Publishes the numbers of a pool, and the pool.
    private let publishing = Mutex<(task: Task<Void, Never>, pool: PipeServerPool)?>(nil)

    /// - Parameter workerCount: the number of a pool's reactors; nil for a server.
    init(_ configuration: PipeService.Metrics, _ address: PipeAddress, workerCount: Int?) {
        published = Mutex(Published(slowCallbackCounts: Array(repeating: 0, count: workerCount ?? 1)))
        interval = configuration.interval
        instruments = interval.map { _ in
            ServerInstruments(
                prefix: configuration.prefix + "_",
                dimensions: configuration.dimensions ?? [("address", "\(address)")],
                factory: configuration.factory ?? MetricsSystem.factory, workerCount: workerCount)
        }
    }

    /// Publishes from now on, on a timer of the reactor, for as long as the server lives.
    func begin(_ server: PipeServer) {
        guard let interval else { return }
        var timer: ScheduledWork?
        timer = server.reference.executor.reactorOfThisThread
            .schedule(after: interval, repeating: interval) { [self, weak server] in
                guard let server, !server.isStopped else {
                    timer?.cancel()
                    timer = nil
                    return
                }
                publish(server)
            }
    }

    /// Publishes the change since the last publication. On the reactor's thread.
    func publish(_ server: PipeServer) {
        publish(server.statistics, loops: [server.reference.executor.reactorOfThisThread.statistics])
    }

    private func publish(_ numbers: PipeServer.Statistics, loops: [Reactor.Statistics?]) {
        guard let instruments else { return }
        let (change, slowCallbacks) = published.withLock { published in
            let counts = loops.enumerated().map { $1?.slowCallbackCount ?? published.slowCallbackCounts[$0] }
            defer {
                published.server = numbers
                published.slowCallbackCounts = counts
            }
            return (numbers.change(since: published.server), zip(counts, published.slowCallbackCounts).map(-))
        }
        instruments.record(change)
        for (index, loop) in loops.enumerated() {
            if let loop { instruments.record(loop, of: index, newSlowCallbackCount: slowCallbacks[index]) }
        }
    }

    func record(_ report: ShutdownReport) { instruments?.record(report) }
}

// MARK: - A pool

extension ServerMetrics {
    /// Publishes from now on, in a task, until ``end()``.
    func begin(_ pool: PipeServerPool) {
        guard let interval else { return }
        let task = Task {
            while (try? await Task.sleep(for: interval)) != nil { await publish(pool) }
        }
        publishing.withLock { $0 = (task, pool) }
    }

    /// Publishes the last numbers of a pool, which has stopped. Has no effect for a server, which does so itself.
    func end() async {
        guard let (task, pool) = publishing.withLock({ $0.take() }) else { return }
        task.cancel()
        // One publication after the other.
        await task.value
        await publish(pool)
    }

    private func publish(_ pool: PipeServerPool) async {
        let (numbers, loops) = await pool.statisticsWithLoops()
        publish(numbers.total, loops: loops)
    }
}
#endif

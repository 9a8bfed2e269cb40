// SPDX-License-Identifier: Apache-2.0
#if Service
internal import CoreMetrics
internal import NamedPipes
internal import Synchronization

/// Publishes the numbers of one run of a server.
final class ServerMetrics: Sendable {
    private struct Published {
        var server = PipeServer.Statistics()
        var slowCallbackCount = 0
    }

    private let interval: Duration?
    private let instruments: ServerInstruments?
    private let published = Mutex(Published())

    init(_ configuration: PipeService.Metrics, _ address: PipeAddress) {
        interval = configuration.interval
        instruments = interval.map { _ in
            ServerInstruments(
                prefix: configuration.prefix + "_",
                dimensions: configuration.dimensions ?? [("address", "\(address)")],
                factory: configuration.factory ?? MetricsSystem.factory)
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
        guard let instruments else { return }
        let numbers = server.statistics
        let loop = server.reference.executor.reactorOfThisThread.statistics
        let (change, slowCallbacks) = published.withLock { published in
            defer {
                published.server = numbers
                published.slowCallbackCount = loop?.slowCallbackCount ?? 0
            }
            return (
                numbers.change(since: published.server),
                (loop?.slowCallbackCount ?? 0) - published.slowCallbackCount
            )
        }
        instruments.record(change)
        if let loop { instruments.record(loop, newSlowCallbackCount: slowCallbacks) }
    }

    func record(_ report: ShutdownReport) { instruments?.record(report) }
}
#endif

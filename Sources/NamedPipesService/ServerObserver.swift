// SPDX-License-Identifier: Apache-2.0
#if Service
internal import NamedPipes
internal import Synchronization

/// The reactions of a service to the events of its server: the log, the metrics, the service manager, and the request
/// to stop, which may come from any thread, even before there is a server.
final class ServerObserver: Sendable {
    /// Stops what serves, from any thread.
    typealias Stop = @Sendable (_ grace: Duration) -> Void

    private enum Progress {
        case starting
        case listening(Stop)
        /// Told to stop within this grace period; the server is told as well, as soon as there is one.
        case stopping(Duration)
    }

    private let log: ServerLog
    private let metrics: ServerMetrics
    private let serving: ServingServer
    private let statistics: StatisticsOffer
    private let notifier: ServiceNotifier?
    private let onEvent: @Sendable (PipeServer, PipeServer.ServeEvent) -> Void
    private let onPoolEvent: @Sendable (PipeServerPool, PipeServer.ServeEvent) -> Void
    private let progress = Mutex(Progress.starting)
    private let hasToldOfStop = Atomic(false)

    init(
        _ configuration: PipeService.Configuration, _ log: ServerLog, _ metrics: ServerMetrics,
        _ serving: ServingServer, _ statistics: StatisticsOffer
    ) {
        self.log = log
        self.metrics = metrics
        self.serving = serving
        self.statistics = statistics
        notifier = configuration.notifier
        onEvent = configuration.onEvent
        onPoolEvent = configuration.onPoolEvent
    }

    // MARK: On the threads that serve

    @Sendable func handle(_ server: PipeServer, _ event: PipeServer.ServeEvent) {
        log.note(event)
        switch event {
        case .listening:
            metrics.begin(server)
            serving.set(.server(server.reference))
            statistics.begin(server)
            tellOfStart(server.address)
        case .stopped: metrics.publish(server)
        default: break
        }
        onEvent(server, event)
        guard case .listening = event else { return }
        let reference = server.reference
        let grace = beginListening { grace in reference.perform { $0.stop(gracePeriod: grace) } }
        if let grace { server.stop(gracePeriod: grace) }
    }

    @Sendable func handle(_ pool: PipeServerPool, _ event: PipeServer.ServeEvent) {
        log.note(event)
        if case .listening = event {
            metrics.begin(pool)
            serving.set(.pool(pool))
            statistics.begin(pool)
            tellOfStart(pool.address)
        }
        onPoolEvent(pool, event)
        guard case .listening = event else { return }
        let grace = beginListening { pool.beginStopping(gracePeriod: $0) }
        if let grace { pool.beginStopping(gracePeriod: grace) }
    }

    /// - Returns: the grace period of a request to stop that came before.
    private func beginListening(_ stop: @escaping Stop) -> Duration? {
        progress.withLock { progress -> Duration? in
            if case .stopping(let grace) = progress { return grace }
            progress = .listening(stop)
            return nil
        }
    }

    private func tellOfStart(_ address: PipeAddress) { tell(.ready, .status("listening on \(address)")) }

    // MARK: On any thread

    func shutDown(gracePeriod grace: Duration) {
        log.noteShutdown(grace)
        tellOfStop()
        let stop = progress.withLock { progress -> Stop? in
            guard case .listening(let stop) = progress else {
                progress = .stopping(grace)
                return nil
            }
            return stop
        }
        stop?(grace)
    }

    /// The server itself is told by the cancellation of its task.
    func cancel() { tellOfStop() }

    func didStop(_ report: ShutdownReport) {
        metrics.record(report)
        log.noteStop(report)
    }

    private func tellOfStop() {
        if !hasToldOfStop.exchange(true, ordering: .relaxed) { tell(.stopping) }
    }

    private func tell(_ states: ServiceNotifier.State...) {
        do { try notifier?.notify(states) } catch { log.noteUnheard(error) }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if Service
internal import NamedPipes
internal import Synchronization

/// The reactions of a service to the events of its server: the log, the metrics, the service manager, and the request
/// to stop, which may come from any thread, even before there is a server.
final class ServerObserver: Sendable {
    private enum Progress {
        case starting
        case listening(ReactorReference<PipeServer>)
        /// Told to stop within this grace period; the server is told as well, as soon as there is one.
        case stopping(Duration)
    }

    private let log: ServerLog
    private let metrics: ServerMetrics
    private let notifier: ServiceNotifier?
    private let onEvent: ServeCall.EventHandler
    private let progress = Mutex(Progress.starting)
    private let hasToldOfStop = Atomic(false)

    init(
        log: ServerLog, metrics: ServerMetrics, notifier: ServiceNotifier?, onEvent: @escaping ServeCall.EventHandler
    ) {
        self.log = log
        self.metrics = metrics
        self.notifier = notifier
        self.onEvent = onEvent
    }

    // MARK: On the reactor's thread

    @Sendable func handle(_ server: PipeServer, _ event: PipeServer.ServeEvent) {
        log.note(event)
        switch event {
        case .listening:
            metrics.begin(server)
            tell(.ready, .status("listening on \(server.address)"))
        case .stopped: metrics.publish(server)
        default: break
        }
        onEvent(server, event)
        if case .listening = event { beginListening(server) }
    }

    private func beginListening(_ server: PipeServer) {
        let grace = progress.withLock { progress -> Duration? in
            if case .stopping(let grace) = progress { return grace }
            progress = .listening(server.reference)
            return nil
        }
        if let grace { server.stop(gracePeriod: grace) }
    }

    // MARK: On any thread

    func shutDown(gracePeriod grace: Duration) {
        log.noteShutdown(grace)
        tellOfStop()
        let server = progress.withLock { progress -> ReactorReference<PipeServer>? in
            guard case .listening(let server) = progress else {
                progress = .stopping(grace)
                return nil
            }
            return server
        }
        server?.perform { $0.stop(gracePeriod: grace) }
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

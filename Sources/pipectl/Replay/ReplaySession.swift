// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

/// Replays a recording: the connections one after the other or together, as they were.
final class ReplaySession {
    private let reactor: Reactor
    private let destination: Destination
    private let access: Access
    private let configuration: PipeClient.Configuration
    private let plan: Plan
    private let print: (String) throws -> Void
    private var waiting: ArraySlice<ReplayScript>
    private var running: [ReplayedConnection] = []
    private var start = SuspendingClock.now
    private var timer: ScheduledWork?
    private var progress = Progress(onErrorsIf: true)
    private(set) var report: ReplayReport
    /// The first reason why the replay is not the recording.
    private(set) var failure: Failure?

    struct Plan {
        var scripts: [ReplayScript]
        var pace: ReplayPace
        var comparesAnswers: Bool
        /// For each connection, and each answer; nil is for ever.
        var timeout: Duration?
        /// How long a server that does not close has to be silent after the recording.
        var settlingTime: Duration
        /// How many differences are printed.
        var shownCount: Int
    }

    /// - Parameter print: gets a line for each difference and failure.
    init(
        _ reactor: Reactor, to destination: Destination, _ configuration: PipeClient.Configuration, _ plan: Plan,
        print: @escaping (String) throws -> Void
    ) throws {
        self.reactor = reactor
        self.destination = destination
        self.configuration = configuration
        self.plan = plan
        self.print = print
        waiting = plan.scripts[...]
        report = ReplayReport(address: "\(destination)")
        do { access = try Access(to: destination, reactor) } catch { throw Failure(error) }
    }

    /// Returns when all has been replayed, or a signal has come.
    func run() throws {
        raiseDescriptorLimit()
        let signals = try Signals(reactor) { [unowned self] _ in
            failure = Failure("interrupted")
            stop()
        }
        start = .now
        let showing = progress.isShown ? showProgress() : nil
        startNext()
        withExtendedLifetime(signals) { reactor.run() }
        showing?.cancel()
        progress.clear()
        report.seconds = time / .seconds(1)
    }

    private func showProgress() -> ScheduledWork {
        reactor.schedule(after: .milliseconds(250), repeating: .milliseconds(250)) { [unowned self] in
            progress.update(totals.progressText(of: plan.scripts))
        }
    }

    private var time: Duration { SuspendingClock.now - start }

    /// What was done until now.
    private var totals: ReplayReport {
        var totals = report
        for connection in running { totals.add(connection.progress) }
        return totals
    }

    /// Starts the connections whose time has come: those that began before another one ended run beside it, and the
    /// others after it.
    private func startNext() {
        timer?.cancel()
        while let script = waiting.first {
            if let due = plan.pace.time(of: script.offset) {
                guard due <= time else {
                    timer = reactor.schedule(after: due - time) { [unowned self] in startNext() }
                    return
                }
            } else if running.contains(where: { $0.script.last < script.first }) {
                return
            }
            waiting = waiting.dropFirst()
            begin(script)
        }
        if running.isEmpty { stop() }
    }

    private func begin(_ script: ReplayScript) {
        let progress = ReplayProgress(script, plan.pace, comparesAnswers: plan.comparesAnswers)
        let connection = ReplayedConnection(
            progress, reactor, timeout: plan.timeout, settlingTime: plan.settlingTime
        ) { [unowned self] in
            time
        } onEvent: { [unowned self] connection, event in
            take(event, of: connection)
        }
        running.append(connection)
        report.connectionCount += 1
        connection.start(destination.makeClient(over: access, configuration, reactor, connection))
    }

    private func take(_ event: ReplayedConnection.Event, of connection: ReplayedConnection) {
        let name = "connection \(printable(connection.script.connection))"
        switch event {
        case .differs(let difference):
            report.differenceCount += 1
            note("\(name): \(difference.text)")
        case .ended(let failure):
            running.removeAll { $0 === connection }
            report.add(connection.progress)
            if let failure { fail(failure, name) }
            noteMissing(connection.progress, name)
            // Not from within its callback.
            reactor.schedule(after: .zero) { [weak self] in self?.startNext() }
        }
    }

    private func fail(_ failure: Failure, _ name: String) {
        report.failureCount += 1
        note("\(name): \(failure.message)")
        self.failure = self.failure ?? Failure("\(name): \(failure.message)", failure.status)
    }

    private func noteMissing(_ progress: ReplayProgress, _ name: String) {
        guard progress.missingCount > 0 else { return }
        report.missingCount += progress.missingCount
        let what = progress.script.answers.isStream ? "byte" : "recorded answer"
        note("\(name): \(counted(progress.missingCount, what)) did not come")
    }

    /// Only the first lines are printed.
    private func note(_ line: String) {
        report.lineCount += 1
        guard report.lineCount <= plan.shownCount else { return }
        progress.clear()
        do { try print(line) } catch {
            failure = failure ?? Failure(error)
            stop()
        }
    }

    private func stop() {
        timer?.cancel()
        waiting = []
        for connection in running {
            connection.abandon()
            report.add(connection.progress)
        }
        running = []
        access.stopReactor()
    }
}

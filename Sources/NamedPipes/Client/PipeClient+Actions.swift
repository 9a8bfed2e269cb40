// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Carries out the decisions of ClientLifecycle.

extension PipeClient {
    func perform(_ action: ClientLifecycle<PipeConnection>.Action) {
        switch action {
        case .nothing: break
        case .begin: begin()
        case .attempt: schedule()
        case .retry(let delay):
            noteState()
            retry(after: delay)
        case .waitForServer(let delay):
            noteState()
            watchForServer()
            retry(after: delay)
        case .reconnect(let delay, let failure):
            triggers.cancelAll()
            if let failure { reports.append(.failedAttempt(failure)) }
            noteState()
            triggers.retry = reactor.schedule(after: delay) { [weak self] in self?.delayDidPass() }
        case .giveUp(let error):
            triggers.cancelAll()
            noteState()
            reports.append(.failure(error))
        case .close(let connection): connection.close()
        case .rest:
            triggers.cancelAll()
            noteState()
        case .restAndConnect:
            noteState()
            connect()
        }
    }

    /// A change is reported at the end of the turn.
    func noteState() {
        reports.note(lifecycle.state)
        if !reports.isEmpty { schedule() }
    }

    private func begin() {
        stayRegistered()
        noteState()
        guard let timeout = configuration.connectTimeout else { return }
        triggers.deadline = reactor.limit(timeout) { [weak self] in self?.timeIsUp() }
    }

    private func retry(after delay: Duration) {
        triggers.retry?.cancel()
        triggers.retry = reactor.schedule(after: delay) { [weak self] in self?.tryToConnect() }
    }

    private func delayDidPass() { perform(lifecycle.delayDidPass()) }

    /// Begins when no server is found for the first time. The watch begins after that connect, so the client tries
    /// again at once.
    private func watchForServer() {
        guard triggers.watch == nil, address.path != nil, lifecycle.canWatch else { return }
        // Each user may have few watches (fs.inotify.max_user_instances, often 128): without one, the client relies on
        // a timer.
        triggers.watch = try? ServerWatch(reactor, address) { [weak self] in self?.tryToConnect() }
        perform(lifecycle.didBeginToWatch(triggers.watch != nil))
    }

    /// The server may have appeared, or made room, since the last connect: while the loop was held up, or before the
    /// next connect was due.
    private func timeIsUp() {
        tryToConnect()
        var generator = SystemRandom()
        perform(lifecycle.timeDidPass(using: &generator))
    }
}

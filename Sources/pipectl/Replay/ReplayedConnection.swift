// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Replays one connection.
final class ReplayedConnection: PipeClientDelegate {
    /// What happens, for the session.
    enum Event {
        case differs(AnswerDifference)
        /// Nothing follows. The failure is nil if all was sent and all answers came.
        case ended(Failure?)
    }

    private(set) var progress: ReplayProgress
    private let reactor: Reactor
    private let timeout: Duration?
    /// The time since the beginning of the replay.
    private let time: () -> Duration
    private let onEvent: (ReplayedConnection, Event) -> Void
    private var client: PipeClient?
    private var connection: PipeConnection?
    private var isCongested = false
    private var isFinishing: Bool { settlingLimit != nil }
    /// When to close at the latest, after the recording has ended; nil before that.
    private var settlingLimit: Duration?
    private var hasEnded = false
    private var failure: Failure?
    private var timer: ScheduledWork?
    private var cancelLimit: () -> Void = {}

    private let settlingTime: Duration

    /// - Parameters:
    ///   - timeout: how long to wait for an answer, and for the end of what a server sends that does not close after
    ///     the recording has ended; nil is for ever.
    ///   - settlingTime: how long such a server has to be silent until the connection is closed.
    ///   - time: the time since the beginning of the replay.
    init(
        _ progress: ReplayProgress, _ reactor: Reactor, timeout: Duration?, settlingTime: Duration,
        time: @escaping () -> Duration, onEvent: @escaping (ReplayedConnection, Event) -> Void
    ) {
        self.progress = progress
        self.reactor = reactor
        self.timeout = timeout
        self.settlingTime = settlingTime
        self.time = time
        self.onEvent = onEvent
    }

    var script: ReplayScript { progress.script }

    func start(_ client: PipeClient) {
        self.client = client
        client.connect()
    }

    /// Ends at once, without an event.
    func abandon() {
        hasEnded = true
        stopTimers()
        connection?.abort()
        client?.disconnect()
    }

    /// Does what can be done now, and arranges for the rest.
    private func pump() {
        stopTimers()
        guard let connection, failure == nil else { return }
        // It has finished sending, and so is not open.
        guard !isFinishing else { return settle(connection) }
        guard connection.isOpen else { return }
        while !isCongested {
            switch progress.next(at: time()) {
            case .send(let message):
                do {
                    isCongested = try connection.send(message) == .acceptedAboveHighWaterMark
                    progress.didSend()
                } catch {
                    return fail(Failure(error))
                }
            case .wait(let due):
                timer = reactor.schedule(after: max(due - time(), .zero)) { [unowned self] in pump() }
                return
            case .awaitAnswer(let due):
                return awaitAnswer(due)
            case .finish:
                settlingLimit = timeout.map { time() + $0 } ?? TimeLimit(seconds: 0).orForEver
                connection.finishSending()
                return settle(connection)
            }
        }
    }

    private func awaitAnswer(_ due: Duration?) {
        guard let timeout else { return }
        let late = due.map { max($0 - time(), .zero) } ?? .zero
        let limit = reactor.limit(timeout + late) { [unowned self] in
            fail(Failure("no answer for \(readable(timeout)) (--timeout sets how long to wait)", .timedOut))
        }
        cancelLimit = { limit.cancel() }
    }

    private func settle(_ connection: PipeConnection) {
        let rest = settlingLimit.map { max($0 - time(), .zero) } ?? settlingTime
        timer = reactor.schedule(after: min(settlingTime, rest)) { connection.close() }
    }

    private func stopTimers() {
        timer?.cancel()
        timer = nil
        cancelLimit()
        cancelLimit = {}
    }

    private func fail(_ failure: Failure) {
        self.failure = failure
        stopTimers()
        connection?.abort()
    }

    private func end(_ failure: Failure?) {
        guard !hasEnded else { return }
        hasEnded = true
        stopTimers()
        onEvent(self, .ended(failure))
    }

    // MARK: PipeClientDelegate

    func connectionDidOpen(_ connection: PipeConnection) {
        self.connection = connection
        pump()
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard !hasEnded else { return }
        if let difference = progress.didReceive(Array(copying: message)) { onEvent(self, .differs(difference)) }
        pump()
    }

    func connectionDidDrain(_ connection: PipeConnection) {
        isCongested = false
        pump()
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        let isExpected = isFinishing && (reason == .closedByPeer || reason == .closedLocally)
        end(failure ?? (isExpected ? nil : Failure("was \(reason.text)\(connection.causesText)")))
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) { end(Failure(error)) }
}

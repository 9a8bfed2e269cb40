// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Looks whether a peer has read everything, for all calls of one connection that wait for that.
///
/// The kernel wakes a writer when the reader has freed memory, but a moment before it counts that memory as free. So a
/// look at this edge may come too early, and the last edge has no other behind it. Therefore a timer looks as well,
/// seldom once the wait has become long.
final class PeerReadingWatch {
    private unowned let connection: PipeConnection
    private let reactor: Reactor
    private var waiters: [Waiter] = []
    private var pace = LookPace()
    private var timer: ScheduledWork?
    private var edges: EventSource?
    private var isLookDue = false
    // Whether the peer had read everything when the connection closed its socket.
    private var hasReadAtEnd = false

    private struct Waiter {
        let limit: TimeLimit
        let report: (Result<Void, PipeError>) -> Void
    }

    init(_ connection: PipeConnection, _ reactor: Reactor) {
        self.connection = connection
        self.reactor = reactor
    }

    func add(_ limit: Duration, _ report: @escaping (Result<Void, PipeError>) -> Void) {
        var number: ObjectIdentifier?
        let limit = reactor.limit(limit) { [unowned self] in number.map(giveUp) }
        number = ObjectIdentifier(limit)
        waiters.append(Waiter(limit: limit, report: report))
        pace = LookPace()
        lookSoon()
    }

    /// Looks at the end of this turn, when the queue has been written.
    private func lookSoon() {
        guard !isLookDue else { return }
        isLookDue = true
        reactor.runAtEndOfTurn(self)
    }

    private func look() {
        do throws(PipeError) {
            guard try connection.hasUnreadByPeer else { return finish(.success(())) }
            lookLater()
        } catch {
            finish(.failure(error))
        }
    }

    private func lookLater() {
        timer?.cancel()
        timer = reactor.schedule(after: pace.next()) { [unowned self] in lookSoon() }
        guard edges == nil else { return }
        // Without another descriptor, the timer alone looks.
        do { edges = try connection.watchEdges(self) } catch { edges = nil }
    }

    /// Reports the result of all calls. Each may add another.
    private func finish(_ result: Result<Void, PipeError>) {
        let finished = waiters
        stop()
        for waiter in finished { waiter.report(result) }
    }

    private func giveUp(_ number: ObjectIdentifier) {
        guard let index = waiters.firstIndex(where: { ObjectIdentifier($0.limit) == number }) else { return }
        let late = waiters.remove(at: index)
        if waiters.isEmpty { stop() }
        late.report(.failure(.timedOut))
    }

    private func stop() {
        for waiter in waiters { waiter.limit.cancel() }
        waiters = []
        timer?.cancel()
        timer = nil
        edges = nil
    }

    // MARK: The end of the connection

    /// The socket is about to be closed: the last moment to look.
    func connectionWillClose() {
        do { hasReadAtEnd = try !connection.hasUnreadAtPeer() } catch { hasReadAtEnd = false }
        timer?.cancel()
        timer = nil
        edges = nil
    }

    func connectionDidEnd(_ reason: DisconnectReason) {
        // The socket reports a reset once, and that was to the read which has ended the connection.
        let isRead = hasReadAtEnd && reason != .resetByPeer
        finish(isRead ? .success(()) : .failure(.disconnected(reason)))
    }

    deinit { stop() }
}

extension PeerReadingWatch: EventHandler {
    package static var callbackName: StaticString { "peer reads" }

    package func handle(_ readiness: Readiness) { lookSoon() }
}

extension PeerReadingWatch: TurnWork {
    package func runInTurn() {
        isLookDue = false
        guard !waiters.isEmpty, connection.lifecycle.state != .closed else { return }
        look()
    }
}

/// The time between two looks: a millisecond at first, twice as much each time, and 64 ms at most.
struct LookPace {
    private var pause = Duration.milliseconds(1)

    mutating func next() -> Duration {
        defer { pause = min(pause * 2, .milliseconds(64)) }
        return pause
    }
}

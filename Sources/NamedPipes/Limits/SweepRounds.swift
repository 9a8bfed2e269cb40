// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The timers behind all deadlines on one reactor: one for each ``DeadlineSweep`` interval in use, however many servers
/// and clients share it. With a timer for each client, 4,000 idle clients caused 4,000 timer events a second.
final class SweepRounds {
    private unowned let reactor: Reactor
    // Not retained: each round removes itself at its end.
    private var rounds: [Duration: Known] = [:]

    private struct Known { unowned let round: SweepRound }

    init(_ reactor: Reactor) { self.reactor = reactor }

    /// How many timers there are.
    var count: Int { rounds.values.count { $0.round.isRunning } }

    func round(every interval: Duration) -> SweepRound {
        if let found = rounds[interval]?.round { return found }
        let made = SweepRound(reactor, interval, self)
        rounds[interval] = Known(round: made)
        return made
    }

    fileprivate func forget(_ interval: Duration) { rounds[interval] = nil }
}

/// The servers and clients whose deadlines are checked at the same moment. The timer runs only while there is one of
/// them, so that an idle process is not woken up.
final class SweepRound {
    private unowned let reactor: Reactor
    private let interval: Duration
    private let owner: SweepRounds
    // Not retained: each endpoint removes itself at its end.
    private var members: [Member] = []
    private var timer: ScheduledWork?

    private struct Member { unowned let endpoint: Endpoint }

    fileprivate init(_ reactor: Reactor, _ interval: Duration, _ owner: SweepRounds) {
        self.reactor = reactor
        self.owner = owner
        self.interval = interval
    }

    deinit {
        timer?.cancel()
        owner.forget(interval)
    }

    fileprivate var isRunning: Bool { timer != nil }

    /// - Returns: its index. The endpoint is told when that changes.
    func insert(_ endpoint: Endpoint) -> Int {
        members.append(Member(endpoint: endpoint))
        if timer == nil { start() }
        return members.count - 1
    }

    /// The last member takes the place of the one that leaves.
    func remove(at place: Int) {
        let last = members.removeLast()
        guard place < members.count else { return }
        members[place] = last
        last.endpoint.sweep.place = place
    }

    private func start() {
        timer = reactor.schedule(after: interval) { [unowned self] in tick() }
    }

    private func tick() {
        timer = nil
        // From the last to the first, as in Endpoint.forEachConnection, and for the same reason.
        var place = members.count
        while place > 0 {
            place -= 1
            guard place < members.count else { continue }
            let endpoint = members[place].endpoint
            if !endpoint.lookAfterDeadlines() { endpoint.leaveRound() }
        }
        if !members.isEmpty { start() }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// An endpoint's deadlines, and its place in the round that checks the deadlines of many endpoints with one timer.
struct EndpointSweep {
    fileprivate(set) var deadlines: DeadlineSweep
    fileprivate let round: SweepRound
    /// Its index in the round, while it has a deadline to check.
    var place: Int?

    /// How often the deadlines were replaced.
    fileprivate let version: Int

    init(_ configuration: PipeConnection.Configuration, _ reactor: Reactor) {
        self.init(configuration, reactor, at: 0, version: 0)
    }

    /// Other deadlines, in place of those of a sweep that has left its round.
    init(_ configuration: PipeConnection.Configuration, _ reactor: Reactor, replacing old: EndpointSweep) {
        self.init(configuration, reactor, at: old.deadlines.tick, version: old.version + 1)
    }

    private init(_ configuration: PipeConnection.Configuration, _ reactor: Reactor, at tick: UInt32, version: Int) {
        self.version = version
        deadlines = DeadlineSweep(configuration, at: tick)
        round = reactor.companion(SweepRounds.self) { SweepRounds(reactor) }.round(every: deadlines.interval)
    }
}

extension Endpoint {
    /// The limits and the present time, in ticks.
    var deadlines: DeadlineSweep {
        @inline(__always) get { sweep.deadlines }
    }

    /// The present time, in ticks of ``DeadlineSweep``.
    var tick: UInt32 {
        @inline(__always) get { sweep.deadlines.tick }
    }

    /// Notes that something with a deadline has begun. The deadlines are checked until nothing with a deadline is left,
    /// so an idle server is not woken up.
    func watchDeadlines() {
        if sweep.place == nil { sweep.place = sweep.round.insert(self) }
    }

    /// Checks the deadlines, once a tick. Returns whether a deadline may pass later.
    func lookAfterDeadlines() -> Bool {
        sweep.deadlines.advance()
        assert(accountsProblem == nil, accountsProblem ?? "")
        let version = sweep.version
        var isAnyoneWatched = false
        forEachConnection { if $0.lookAfterDeadlines() { isAnyoneWatched = true } }
        // A callback may have replaced the deadlines, so that the answers were about others.
        return isAnyoneWatched || sweep.version != version
    }

    func leaveRound() {
        guard let place = sweep.place else { return }
        sweep.place = nil
        sweep.round.remove(at: place)
    }
}

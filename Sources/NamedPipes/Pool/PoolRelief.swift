// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor
internal import Synchronization

// The consequences of an exhausted budget in a pool: the connection that has to leave may be another worker's.

extension PipeServerPool {
    /// Looks for the largest holder among the connections of all workers, has it ended, and lets all that wait try
    /// again. Called on the thread of the worker whose connection asks.
    ///
    /// A worker that does not answer in time is left out: its connections cost the others no more than that time.
    func relieve(_ demand: BudgetDemand, on reactor: Reactor) {
        let relief = PoolRelief(self, demand)
        for worker in workers {
            worker.server?.perform { relief.note($0.endpoint.shortage(for: demand).charges, of: worker.index) }
        }
        reactor.schedule(after: Endpoint.shortageInterval) { relief.decide() }
    }

    fileprivate func carryOut(_ choice: (holder: Int, byteCount: Int)?, for demand: BudgetDemand) {
        for worker in workers {
            let least = choice.flatMap { $0.holder == worker.index ? $0.byteCount : nil }
            worker.server?.perform { server in
                if let least { server.endpoint.endLeaver(for: demand, holding: least) }
                server.endpoint.feedStarved()
            }
        }
    }
}

/// One look at the connections of all workers.
private final class PoolRelief: Sendable {
    private struct State {
        var shortage: Shortage<Int>
        var missingCount: Int
        var isDecided = false
    }

    private let pool: PipeServerPool
    private let demand: BudgetDemand
    private let state: Mutex<State>

    init(_ pool: PipeServerPool, _ demand: BudgetDemand) {
        self.pool = pool
        self.demand = demand
        state = Mutex(State(shortage: Shortage(demand: demand.byteCount), missingCount: pool.workers.count))
    }

    /// A worker has answered with the charges of its largest holder and of the largest one that waits.
    func note(_ charges: (largest: Int?, largestWaiting: Int?), of index: Int) {
        let isLast = state.withLock { state in
            if let count = charges.largest { state.shortage.consider(index, count, isWaiting: false) }
            if let count = charges.largestWaiting { state.shortage.consider(index, count, isWaiting: true) }
            state.missingCount -= 1
            return state.missingCount == 0
        }
        if isLast { decide() }
    }

    /// Decides once, with the answers that are there.
    func decide() {
        let shortage = state.withLock { state -> Shortage<Int>? in
            defer { state.isDecided = true }
            return state.isDecided ? nil : state.shortage
        }
        if let shortage { pool.carryOut(shortage.choice, for: demand) }
    }
}

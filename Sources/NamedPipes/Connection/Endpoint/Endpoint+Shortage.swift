// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// The consequences of an exhausted budget. The connection that asked is refused or waits, which costs it nothing but
// time. The library looks for the connection that has to leave a moment later, once for all requests until then, so
// that no request pays for a look at every connection.

/// A demand for room in an exhausted budget.
struct BudgetDemand: Sendable {
    let exceeded: ExceededBudget
    /// The smallest total, in bytes, that any of the asking connections would reach.
    private(set) var byteCount: Int
    /// The smallest growth, in bytes, that any of them asks for.
    private(set) var growth: Int

    init(_ exceeded: ExceededBudget, _ byteCount: Int, growth: Int) {
        self.exceeded = exceeded
        self.byteCount = byteCount
        self.growth = growth
    }

    /// Adds another connection's demand. The server's budget comes before a user's; another user's demand waits for the
    /// next look.
    mutating func join(_ other: BudgetDemand) {
        if other.exceeded == exceeded {
            byteCount = min(byteCount, other.byteCount)
            growth = min(growth, other.growth)
        } else if other.exceeded.scope == .server {
            self = other
        }
    }

    func concerns(_ connection: PipeConnection) -> Bool {
        switch exceeded.scope {
        case .server: true
        case .user(let user): connection.peer.userID == user
        case .connection: false
        }
    }
}

extension Endpoint {
    /// How long the asking connections wait until the largest holder is looked for.
    static let shortageInterval = Duration.milliseconds(100)

    /// The ledger has become tight, or has room again.
    func tightnessDidChange() {
        budget.adapt(limits.admission)
        budget.roomTimer?.cancel()
        budget.roomTimer = nil
        guard ledger.isTight, ledger.shared != nil else { return }
        budget.roomTimer = reactor.schedule(after: Self.shortageInterval, repeating: Self.shortageInterval) {
            [unowned self] in ledger.lookForRoom()
        }
    }

    /// Notes that a budget had no room for a connection's request.
    ///
    /// - Parameters:
    ///   - byteCount: the total that the connection would reach.
    ///   - growth: how much of that it does not have.
    func noteShortage(_ exceeded: ExceededBudget, _ byteCount: Int, growth: Int) {
        guard exceeded.scope != .connection else { return }
        let new = BudgetDemand(exceeded, byteCount, growth: growth)
        budget.demand?.join(new)
        budget.demand = budget.demand ?? new
        guard budget.shortageTimer == nil else { return }
        budget.shortageTimer = reactor.schedule(after: Self.shortageInterval) { [unowned self] in relieve() }
    }

    /// Ends the largest holder, and lets the waiting connections try again.
    func relieve() {
        budget.shortageTimer?.cancel()
        budget.shortageTimer = nil
        guard let demand = budget.demand.take() else { return }
        if let relieve = budget.relieveElsewhere { return relieve(demand) }
        endLeaver(for: demand)
        feedStarved()
    }

    /// Shows the connections that a demand concerns to a choice among them.
    func shortage(for demand: BudgetDemand) -> Shortage<PipeConnection> {
        var shortage = Shortage<PipeConnection>(demand: demand.byteCount)
        forEachConnection { connection in
            guard connection.lifecycle.state != .closed, demand.concerns(connection) else { return }
            shortage.consider(connection, connection.chargedByteCount, isWaiting: connection.isStarved)
        }
        return shortage
    }

    /// Ends the connection that has to leave, unless there is room by now: others may have returned some, or another
    /// demand may have ended one.
    ///
    /// - Parameter least: the least charge for which that is worth while. The default is any.
    func endLeaver(for demand: BudgetDemand, holding least: Int = 0) {
        // The limit may have changed since, and there may be room again.
        guard ledger.limit(of: demand.exceeded.scope) == demand.exceeded.limit, !ledger.hasRoom(for: demand) else {
            return
        }
        guard let choice = shortage(for: demand).choice, choice.byteCount >= least else { return }
        ledger.countRefusal(of: choice.holder.peer.userID)
        choice.holder.leave(demand.exceeded)
    }

    /// Lets the waiting connections try again.
    func feedStarved() {
        var starved: [PipeConnection] = []
        forEachConnection { if $0.isStarved { starved.append($0) } }
        // The smallest holders go first, or the largest would take the room again.
        starved.sort { $0.chargedByteCount < $1.chargedByteCount }
        for connection in starved { connection.lookForRoom() }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// The consequences of an exhausted budget. The connection that asked is refused or waits, which costs it nothing but
// time. The library looks for the connection that has to leave a moment later, once for all requests until then, so
// that no request pays for a look at every connection.

/// A demand for room in an exhausted budget.
struct BudgetDemand {
    let exceeded: ExceededBudget
    /// The smallest total, in bytes, that any of the asking connections would reach.
    private(set) var byteCount: Int

    init(_ exceeded: ExceededBudget, _ byteCount: Int) {
        self.exceeded = exceeded
        self.byteCount = byteCount
    }

    /// Adds another connection's demand. The server's budget comes before a user's; another user's demand waits for the
    /// next look.
    mutating func join(_ other: BudgetDemand) {
        if other.exceeded == exceeded {
            byteCount = min(byteCount, other.byteCount)
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

    /// Notes that a budget had no room for a connection's request.
    ///
    /// - Parameter byteCount: the total that the connection would reach.
    func noteShortage(_ exceeded: ExceededBudget, _ byteCount: Int) {
        guard exceeded.scope != .connection else { return }
        let new = BudgetDemand(exceeded, byteCount)
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
        var shortage = Shortage<PipeConnection>(demand: demand.byteCount)
        var starved: [PipeConnection] = []
        forEachConnection { connection in
            if connection.isStarved { starved.append(connection) }
            guard connection.lifecycle.state != .closed, demand.concerns(connection) else { return }
            shortage.consider(connection, connection.chargedByteCount, isWaiting: connection.isStarved)
        }
        if let leaver = shortage.leaver {
            ledger.countRefusal(of: leaver.peer.userID)
            leaver.leave(demand.exceeded)
        }
        // The smallest holders go first, or the largest would take the room again.
        starved.sort { $0.chargedByteCount < $1.chargedByteCount }
        for connection in starved { connection.lookForRoom() }
    }
}

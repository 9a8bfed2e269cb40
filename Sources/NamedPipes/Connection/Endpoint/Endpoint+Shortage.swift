// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// What happens when a budget is used up. The connection that asked is refused or waits, which costs it nothing but
// time. The connection that has to leave is looked for a moment later, once for all requests until then, so that no
// request pays for a look at every connection.

/// A budget that has no room, and what is wanted of it.
struct BudgetDemand {
    let exceeded: ExceededBudget
    /// What the one who asks for least would have in all, in bytes.
    private(set) var byteCount: Int

    init(_ exceeded: ExceededBudget, _ byteCount: Int) {
        self.exceeded = exceeded
        self.byteCount = byteCount
    }

    /// One more who asks. The server's budget comes before a user's; another user's turn comes with the next look.
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
    /// How long those who ask wait until the largest holder is looked for.
    static let shortageInterval = Duration.milliseconds(100)

    /// A budget had no room for what a connection asks for.
    ///
    /// - Parameter byteCount: what it would have in all.
    func noteShortage(_ exceeded: ExceededBudget, _ byteCount: Int) {
        guard exceeded.scope != .connection else { return }
        let new = BudgetDemand(exceeded, byteCount)
        budget.demand?.join(new)
        budget.demand = budget.demand ?? new
        guard budget.shortageTimer == nil else { return }
        budget.shortageTimer = reactor.schedule(after: Self.shortageInterval) { [unowned self] in relieve() }
    }

    /// The largest holder leaves, and those who wait for room look again.
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
        // First who has least, or those who hoard would have the room again.
        starved.sort { $0.chargedByteCount < $1.chargedByteCount }
        for connection in starved { connection.lookForRoom() }
    }
}

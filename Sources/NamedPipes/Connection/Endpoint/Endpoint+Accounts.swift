// SPDX-License-Identifier: Apache-2.0

// The invariant of all accounting: everything that keeps memory has a charge that follows its capacity, up and down,
// and the ledger is the sum of the charges. Debug builds check it with each tick of the deadlines, and the simulation
// checks it at each turn.

extension Endpoint {
    /// A violation of the invariant, or nil.
    var accountsProblem: String? {
        var charged = unsafe owner?.keptByteCharge ?? 0
        var queuedMessageCount = 0
        var problem: String?
        forEachConnection { connection in
            charged += connection.chargedByteCount
            queuedMessageCount += connection.queuedMessageCount
            problem = problem ?? connection.accountProblem
        }
        if let problem = problem ?? countsProblem(queued: queuedMessageCount) { return problem }
        if charged != ledger.byteCount { return "charges of \(charged) bytes, a ledger of \(ledger.byteCount)" }
        let beyond = connections.count * (ByteLedger.mostWithoutRoom + QueueAdmission.freeByteCount)
        let (most, overflows) = ledger.highestLimit.addingReportingOverflow(beyond)
        guard !overflows, ledger.byteCount > most else { return nil }
        return "\(ledger.byteCount) bytes are taken of \(ledger.highestLimit), by \(connections.count) connections"
    }
}

extension PipeConnection {
    /// The charge of this connection in the ledger, with the messages that wait for its tasks.
    var chargedByteCount: Int {
        let unread = if case .tasks(let tasks) = companion { tasks.chargedByteCount } else { 0 }
        return unread + (reassembly?.charge.byteCount ?? 0) + (queue?.value.charge.byteCount ?? 0)
    }

    /// A charge that does not follow its memory within a factor of two, or nil.
    fileprivate var accountProblem: String? {
        guard lifecycle.state != .closed else { return nil }
        if let reassembly, !Self.isCharged(reassembly.charge.byteCount, reassembly.memory.bytes.capacity) {
            return "\(id) is charged \(reassembly.charge.byteCount) bytes for \(reassembly.memory.bytes.capacity)"
        }
        guard let queue else { return nil }
        let charge = queue.value.charge.byteCount
        let prepaid = queue.value.prepaidByteCount
        if prepaid > (charge == 0 ? limits.admission.allowance : limits.admission.prepaidLimit) {
            return "\(id) may queue \(prepaid) bytes, and is charged \(charge)"
        }
        if prepaid >= 0, !lifecycle.canSend { return "\(id) may queue \(prepaid) bytes, and cannot send" }
        // A small queue that is written in this turn is not charged.
        if charge == 0, !interest.awaitsWritability { return nil }
        if Self.isCharged(charge, queue.value.capacity) { return nil }
        return "\(id) is charged \(charge) bytes for a queue of \(queue.value.capacity)"
    }

    private static func isCharged(_ charge: Int, _ capacity: Int) -> Bool {
        capacity <= 2 * charge && charge <= 2 * capacity
    }
}

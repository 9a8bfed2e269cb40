// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// The memory of a queue, in the ledger of the connection's owner: charged for before a message is queued, where that
// can still be refused; and afterwards, where what is queued turns out to keep more, or has to wait.

extension PipeConnection {
    @inline(__always)
    func borrowQueue() -> SendQueueSlot {
        let fresh = endpoint.buffers.borrowQueue()
        fresh.value.prepaidByteCount = endpoint.limits.admission.allowance
        queue = fresh
        return fresh
    }

    var isWaiting: Bool { interest.awaitsWritability }

    /// What the queue's memory grows to with a frame of this size.
    func growth(of queue: SendQueueSlot, for byteCount: Int) -> (capacity: Int, bufferCapacity: Int?) {
        queue.value.growth(for: byteCount, limit: min(endpoint.limits.admission.queueLimit, endpoint.limits.byteShare))
    }

    /// Charges for the memory of one frame more, which the budgets have room for, and makes it ready.
    func charge(for byteCount: Int) {
        guard let queue else { return }
        let growth = growth(of: queue, for: byteCount)
        queue.value.charge.follow(growth.capacity, endpoint.ledger, userID: peer.userID)
        if let buffer = growth.bufferCapacity { queue.value.bytes.reserveCapacity(buffer) }
        setPrepaidByteCount(of: queue)
    }

    /// Charges for a queue that has to wait. Without room in the budgets, the connection ends.
    func chargeQueue(_ queue: SendQueueSlot) {
        do {
            try queue.value.charge.adjust(to: queue.value.capacity, endpoint.ledger, userID: peer.userID)
            setPrepaidByteCount(of: queue)
        } catch {
            endpoint.noteShortage(error, chargedByteCount)
            end(.budgetExceeded(error))
        }
    }

    /// Nothing can be sent any more: each message meets ``admit(_:from:)``, which says so. Therefore the fast path does
    /// not ask the lifecycle, which saves it five instructions a message.
    func stopPrepaying() { queue?.value.prepaidByteCount = -1 }

    private func setPrepaidByteCount(of queue: SendQueueSlot) {
        guard lifecycle.canSend else { return stopPrepaying() }
        queue.value.prepaidByteCount = endpoint.limits.admission.prepaidByteCount(
            of: queue.value.byteCount + queue.value.bytes.room, isWaiting: isWaiting)
    }

    /// Charges for what a queue keeps beyond what it was charged for, unless that is little and leaves in this turn.
    func chargeGrowth(of queue: SendQueueSlot) {
        let paid = max(queue.value.charge.byteCount, isWaiting ? 0 : QueueAdmission.freeByteCount)
        if queue.value.capacity > paid { chargeQueue(queue) }
    }

    /// Whether the budgets have room for a message that keeps this much memory, and for its envelope, for which the
    /// queue's own buffer may grow.
    func mayKeep(_ capacity: Int, in queue: SendQueueSlot) -> Bool {
        let buffer = queue.value.bytes.capacity(afterAppending: QueueAdmission.envelopeAllowance)
        let total = queue.value.capacity - queue.value.bytes.capacity + buffer + capacity
        let growth = total - queue.value.charge.byteCount
        // What leaves in this turn is free while it is little.
        if queue.value.charge.byteCount == 0, growth <= QueueAdmission.freeByteCount { return true }
        return total <= endpoint.limits.byteShare && growth <= endpoint.ledger.room(ofUser: peer.userID)
    }

    /// Copies to memory that lasts what still lies in the receive space, which the next read overwrites.
    func adoptBorrowed() {
        guard let queue, queue.value.segments.borrowedCount > 0 else { return }
        queue.value.adoptBorrowed(endpoint.buffers)
        guard lifecycle.state != .closed else { return }
        // Of what has left in part, only the rest was copied.
        queue.value.charge.shrink(to: queue.value.capacity)
        chargeGrowth(of: queue)
    }
}

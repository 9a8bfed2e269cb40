// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// The memory of a queue, in the ledger of the connection's owner. It is charged for before a message is queued, while
// the message can still be refused; and afterwards, if the queue turns out to keep more memory or has to wait.

extension PipeConnection {
    func borrowQueue() -> SendQueueSlot {
        let fresh = borrowPrepaidQueue()
        // Its messages are encoded in a framing that the fast path does not know, or watched.
        if state.sendsSlowly { stopPrepaying() }
        return fresh
    }

    /// As ``borrowQueue()``, for the fast path.
    @inline(__always)
    func borrowPrepaidQueue() -> SendQueueSlot {
        let fresh = endpoint.buffers.borrowQueue()
        fresh.value.prepaidByteCount = endpoint.budget.prepaidByteCount
        queue = fresh
        return fresh
    }

    var isWaiting: Bool { interest.awaitsWritability }

    /// The memory of the queue after adding a frame of this size.
    func growth(of queue: SendQueueSlot, for byteCount: Int) -> (capacity: Int, bufferCapacity: Int?) {
        queue.value.growth(for: byteCount, limit: min(limits.admission.queueLimit, limits.byteShare))
    }

    /// Charges for the memory of one more frame, for which the budgets had room a moment ago, and allocates it.
    ///
    /// - Returns: false if another thread of a pool has taken the room meanwhile.
    func charge(for byteCount: Int) -> Bool {
        guard let queue else { return true }
        let growth = growth(of: queue, for: byteCount)
        let ledger = endpoint.ledger
        let isCharged = queue.value.charge.grow(
            to: growth.capacity, ledger, userID: peer.userID, leaving: ledger.reserve)
        guard isCharged else { return false }
        if let buffer = growth.bufferCapacity { queue.value.bytes.reserveCapacity(buffer) }
        setPrepaidByteCount(of: queue)
        return true
    }

    /// Charges for a queue that has to wait. If the budgets have no room, what every connection may owe is recorded all
    /// the same, and more ends the connection.
    func chargeQueue(_ queue: SendQueueSlot) {
        do {
            try queue.value.charge.adjust(to: queue.value.capacity, endpoint.ledger, userID: peer.userID)
        } catch {
            let growth = queue.value.capacity - queue.value.charge.byteCount
            // With all that it may owe until the library looks, so that it is not the one to leave for its own demand.
            let total = chargedByteCount + growth + QueueAdmission.freeByteCount + ByteLedger.mostWithoutRoom
            endpoint.noteShortage(error, total, growth: growth)
            queue.value.shrink()
            let owed = queue.value.capacity - queue.value.charge.byteCount
            guard owed <= QueueAdmission.freeByteCount else { return end(.budgetExceeded(error)) }
            queue.value.charge.follow(queue.value.capacity, endpoint.ledger, userID: peer.userID)
            flow.pauseForRoom()
        }
        setPrepaidByteCount(of: queue)
    }

    /// After this, nothing can be sent: each message reaches ``admit(_:from:)``, which throws. Therefore the fast path
    /// need not ask the lifecycle, which saves five instructions a message.
    func stopPrepaying() { queue?.value.prepaidByteCount = -1 }

    private func setPrepaidByteCount(of queue: SendQueueSlot) {
        guard lifecycle.canSend, !state.sendsSlowly else { return stopPrepaying() }
        queue.value.prepaidByteCount = endpoint.limits.admission.prepaidByteCount(
            of: queue.value.byteCount + queue.value.bytes.room, isWaiting: isWaiting)
    }

    /// Charges for memory of a queue that is not charged for yet, unless it is little and the queue is written in this
    /// turn.
    func chargeGrowth(of queue: SendQueueSlot) {
        let paid = max(queue.value.charge.byteCount, isWaiting ? 0 : QueueAdmission.freeByteCount)
        if queue.value.capacity > paid { chargeQueue(queue) }
    }

    /// Charges for what an encoded frame keeps beyond what was admitted. A frame that was admitted without room is
    /// written first.
    func chargeFrame(in queue: SendQueueSlot) {
        if !isUnpaid(queue) { chargeGrowth(of: queue) }
    }

    /// Whether the queue has a message for which the budgets have no room, and which is therefore written before
    /// anything else happens. What the kernel does not take of it is charged for then.
    func isUnpaid(_ queue: SendQueueSlot) -> Bool {
        queue.value.byteCount > QueueAdmission.freeByteCount && queue.value.charge.byteCount == 0 && !isWaiting
    }

    /// Whether the budgets have room for a message that keeps this much memory alive, and for its envelope, which may
    /// make the queue's own buffer grow.
    func mayKeep(_ capacity: Int, in queue: SendQueueSlot) -> Bool {
        let buffer = queue.value.bytes.capacity(afterAppending: QueueAdmission.envelopeAllowance)
        let total = queue.value.capacity - queue.value.bytes.capacity + buffer + capacity
        let growth = total - queue.value.charge.byteCount
        // A small queue that is written in this turn is free.
        if queue.value.charge.byteCount == 0, growth <= QueueAdmission.freeByteCount { return true }
        return total <= limits.byteShare && growth <= endpoint.ledger.room(ofUser: peer.userID)
    }

    /// Copies segments that are still in the receive buffer, which the next read overwrites, to memory that outlives
    /// it.
    func adoptBorrowed() {
        guard let queue, queue.value.segments.borrowedCount > 0 else { return }
        queue.value.adoptBorrowed(endpoint.buffers)
        guard lifecycle.state != .closed else { return }
        // Of a segment that was written in part, only the rest was copied.
        queue.value.charge.shrink(to: queue.value.capacity)
        chargeGrowth(of: queue)
    }
}

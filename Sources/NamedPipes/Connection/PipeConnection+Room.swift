// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// Whether a queue has room for another message: in its own limit, and in the budgets of the server. What happens where it
// has none is the slow-reader policy's to say.
//
// A queue that is empty again at the end of the turn is charged for nothing up to 64 KiB. Beyond, and whenever it has to
// wait, it is charged for all the memory that it keeps. `allowedByteCount` is how far it may be filled before any of this
// has to be asked again, so that the usual message costs one comparison.

/// Where a message may be queued.
struct QueueRoom {
    /// Nil: the message was dropped.
    let queue: SendQueueSlot?

    /// How many older ones were dropped for it.
    var droppedMessageCount = 0
}

extension PipeConnection {
    /// The queue, if it takes another message. An empty one takes any that the framing and the budgets allow.
    ///
    /// - Parameters:
    ///   - byteCount: the size of the message.
    ///   - frameByteCount: the size of its frame; asked for only where it matters.
    @inline(__always)
    func room(
        for byteCount: Int, _ frameByteCount: () throws(FramingError) -> Int
    ) throws(PipeError) -> QueueRoom {
        guard lifecycle.canSend else { throw .notConnected }
        let queue = queue ?? takeQueue()
        if queue.value.byteCount + byteCount <= queue.value.allowedByteCount { return QueueRoom(queue: queue) }
        return try findRoom(frameByteCount)
    }

    @inline(__always)
    func takeQueue() -> SendQueueSlot {
        let fresh = host.buffers.takeQueue()
        fresh.value.allowedByteCount = host.queueAllowance
        queue = fresh
        return fresh
    }

    @inline(never)
    private func findRoom(_ frameByteCount: () throws(FramingError) -> Int) throws(PipeError) -> QueueRoom {
        do throws(PipeError) {
            let byteCount = try Result { () throws(FramingError) in try frameByteCount() }.mapError(PipeError.init)
                .get()
            return try findRoom(for: byteCount)
        } catch {
            giveBackQueueIfEmpty()
            throw error
        }
    }

    private func findRoom(for byteCount: Int) throws(PipeError) -> QueueRoom {
        let policy = host.slowReaderPolicy
        if !isReplacing {
            if obstacle(to: byteCount) == nil { return QueueRoom(queue: queue) }
            // Before a message is refused, the kernel is asked to take what waits.
            flush()
            guard lifecycle.canSend else { throw .notConnected }
        }
        let queue = queue ?? takeQueue()
        let obstacle = obstacle(to: byteCount)
        guard let obstacle, !isReplacing else {
            return isReplacing ? makeRoom(in: queue, for: byteCount, obstacle) : QueueRoom(queue: queue)
        }
        if case .budgetExceeded(let budget) = obstacle, policy == .refuse || policy == .disconnect {
            host.noteShortage(budget, chargedByteCount + byteCount)
        }
        switch policy {
        case .refuse:
            throw obstacle
        case .disconnect:
            if case .budgetExceeded(let budget) = obstacle { end(.budgetExceeded(budget)) } else { end(.slowReader) }
            throw obstacle
        case .dropNewest:
            return withoutRoom()
        case .dropOldest, .keepLatest:
            return makeRoom(in: queue, for: byteCount, obstacle)
        }
    }

    /// Whether each message takes the place of those that wait.
    private var isReplacing: Bool {
        host.slowReaderPolicy == .keepLatest && flags.contains(.awaitingWritability)
    }

    /// What stands against so many more bytes. Where nothing does, they are charged for.
    private func obstacle(to byteCount: Int) -> PipeError? {
        guard let queue else { return nil }
        let limit = host.configuration.sendQueueLimit
        if !queue.value.isEmpty, queue.value.byteCount + byteCount > limit { return .sendQueueFull(limit: limit) }
        let isCharged = isWaiting || queue.value.charge.byteCount > 0
        if !isCharged, queue.value.byteCount + byteCount <= host.queueAllowance { return nil }
        do {
            let growth = queue.value.growth(for: byteCount, limit: min(limit, host.byteShare))
            try queue.value.charge.adjust(
                to: growth.capacity, host.ledger, userID: peer.userID, limit: host.byteShare,
                leaving: host.ledger.reserve)
            if let buffer = growth.bufferCapacity { queue.value.bytes.reserveCapacity(buffer) }
        } catch {
            return .budgetExceeded(error)
        }
        allowMore(queue)
        return nil
    }

    /// How far the queue may be filled now.
    private func allowMore(_ queue: SendQueueSlot) {
        let paid = queue.value.byteCount + queue.value.bytes.room - ConnectionHost.headerAllowance
        queue.value.allowedByteCount = isReplacing ? -1 : min(paid, host.plainQueueLimit)
    }

    /// Whether the budgets have room for a message that keeps so much memory, with what is put around it: the queue's own
    /// buffer may grow for that.
    func mayKeep(_ capacity: Int, in queue: SendQueueSlot) -> Bool {
        let buffer = queue.value.bytes.capacity(afterAppending: ConnectionHost.envelopeAllowance)
        let total = queue.value.capacity - queue.value.bytes.capacity + buffer + capacity
        let growth = total - queue.value.charge.byteCount
        // What leaves in this turn is not asked about, as long as it is little.
        if queue.value.charge.byteCount == 0, growth <= ConnectionHost.queueAllowanceLimit { return true }
        return total <= host.byteShare && growth <= host.ledger.room(ofUser: peer.userID)
    }

    /// Has the ledger know what a queue keeps that was told of less, unless that is little and leaves in this turn.
    func payForGrowth(of queue: SendQueueSlot) {
        let paid = max(queue.value.charge.byteCount, isWaiting ? 0 : ConnectionHost.queueAllowanceLimit)
        if queue.value.capacity > paid { payForQueue(queue) }
    }

    /// What was read before the next read overwrites it is copied to memory that lasts, as far as it is still queued.
    func adoptBorrowed() {
        guard let queue, queue.value.insertions.borrowedCount > 0 else { return }
        queue.value.adoptBorrowed(host.buffers)
        guard lifecycle.state != .closed else { return }
        // Of what has left in part, only the rest was copied.
        queue.value.charge.shrink(to: queue.value.capacity)
        payForGrowth(of: queue)
    }

    private var isWaiting: Bool { flags.contains(.awaitingWritability) }

    /// Has the ledger know what a queue keeps that has to wait. Without room for it, the connection ends.
    func payForQueue(_ queue: SendQueueSlot) {
        do {
            try queue.value.charge.adjust(to: queue.value.capacity, host.ledger, userID: peer.userID)
            allowMore(queue)
        } catch {
            host.noteShortage(error, chargedByteCount)
            end(.budgetExceeded(error))
        }
    }
}

// MARK: - Dropping

extension PipeConnection {
    /// Drops the oldest of what waits. If that cannot be enough, the new message is dropped, and nothing else is.
    private func makeRoom(in queue: SendQueueSlot, for byteCount: Int, _ obstacle: PipeError?) -> QueueRoom {
        let limit = host.configuration.sendQueueLimit
        let queued = queue.value.byteCount
        // The rest of a message that has been begun stays.
        let rest = queued - queue.value.droppableByteCount
        let isOverBudget = if case .budgetExceeded = obstacle { true } else { false }
        guard rest == 0 || rest + byteCount <= limit, !isOverBudget || rest + byteCount <= queue.value.capacity else {
            return withoutRoom()
        }
        let excess: Int
        if host.slowReaderPolicy == .keepLatest {
            excess = queued
        } else if isOverBudget {
            // What is dropped is memory to be used again, and has to be moved together for it: many at a time.
            excess = max(byteCount, queued / 4)
        } else {
            excess = queued + byteCount - limit
        }
        let count = queue.value.dropOldest(freeing: excess, host.framing)
        noteDisplaced(count)
        if isOverBudget { queue.value.compact() }
        guard self.obstacle(to: byteCount) == nil else { return withoutRoom() }
        return QueueRoom(queue: queue, droppedMessageCount: count)
    }

    /// Of a burst of which the kernel took a part, only the last message waits.
    func keepLatest(in queue: SendQueueSlot) {
        let count = queue.value.unsentMessageCount(host.framing)
        guard count > 1 else { return }
        noteDisplaced(queue.value.dropOldest(freeing: .max, atMost: count - 1, host.framing))
    }

    private func withoutRoom() -> QueueRoom {
        noteDropped(1)
        giveBackQueueIfEmpty()
        return QueueRoom(queue: nil)
    }

    /// Dropped although `send` had taken them.
    private func noteDisplaced(_ count: Int) {
        host.traffic.displacedMessageCount &+= count
        noteDropped(count)
    }

    private func noteDropped(_ count: Int) {
        guard count > 0 else { return }
        extras.droppedMessageCount += count
        host.droppedMessageCount += count
    }

    /// A queue into which nothing came after all. It may be empty because its messages were dropped.
    func giveBackQueueIfEmpty() {
        guard let queue, queue.value.isEmpty else { return }
        flags.remove(.awaitingWritability)
        giveBackQueue()
        if flags.contains(.aboveHighWaterMark) { didFallBelowHighWaterMark() }
    }
}

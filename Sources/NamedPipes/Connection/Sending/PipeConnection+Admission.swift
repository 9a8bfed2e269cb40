// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// The only place that asks `QueueAdmission` whether the queue takes a message, and that carries out its answers.

extension PipeConnection {
    /// Makes the queue ready for one more message. Afterwards, the connection has a queue.
    ///
    /// - Returns: how many messages were displaced in favour of this one; nil if this one was dropped.
    func admit(_ message: Span<UInt8>, from source: MessageSource) throws(PipeError) -> Int? {
        guard lifecycle.canSend else { throw cannotSend }
        let queue = queue ?? borrowQueue()
        if queue.value.isPrepaid(message.count) { return 0 }
        do throws(PipeError) {
            let displacedCount = try askForRoom(frameByteCount(of: message, from: source))
            if displacedCount == nil { recycleQueueIfEmpty() }
            return displacedCount
        } catch {
            recycleQueueIfEmpty()
            throw error
        }
    }

    /// Why nothing can be sent.
    private var cannotSend: PipeError {
        rareIfAny?.isReceiveOnly == true ? .receiveOnly : .notConnected(lifecycle.missing)
    }

    private func frameByteCount(of message: Span<UInt8>, from source: MessageSource) throws(PipeError) -> Int {
        if case .frame = source { return message.count }
        do {
            return try codec.frameByteCount(of: message)
        } catch {
            throw PipeError(error)
        }
    }

    @inline(never)
    private func askForRoom(_ frameByteCount: Int) throws(PipeError) -> Int? {
        var request = QueueAdmission.Request(byteCount: frameByteCount)
        var displacedCount = 0
        while true {
            describeQueue(in: &request)
            switch limits.admission.answer(to: request) {
            case .append(let isCharged):
                if isCharged, !charge(for: request.byteCount) { continue }
                return displacedCount
            case .flushFirst:
                flush()
                guard lifecycle.canSend else { throw cannotSend }
                request.attempt = .afterFlush
            case .displace(let byteCount, let compacts):
                displacedCount = displace(byteCount, compacts: compacts)
                request.attempt = .afterDisplacing
            case .drop:
                noteExceededBudget(of: request)
                noteDropped()
                return nil
            case .refuse(let error):
                noteExceededBudget(of: request, isWanted: true)
                throw error
            case .end(let reason, let error):
                noteExceededBudget(of: request, isWanted: true)
                end(reason)
                throw error
            }
        }
    }

    /// The present state of the queue. The budgets are consulted only where the answer matters.
    private func describeQueue(in request: inout QueueAdmission.Request) {
        let queue = queue ?? borrowQueue()
        request.queuedByteCount = queue.value.byteCount
        request.startedByteCount = queue.value.byteCount - queue.value.droppableByteCount
        request.capacity = queue.value.capacity
        request.isWaiting = isWaiting
        request.isPausedForRoom = flow.isPausedForRoom
        request.isCharged = queue.value.charge.byteCount > 0
        request.exceededBudget = nil
        request.fitsIntoSocket = false
        guard limits.admission.needsBudget(request) else { return }
        request.exceededBudget = queue.value.charge.exceededBudget(
            at: growth(of: queue, for: request.byteCount).capacity, endpoint.ledger, userID: peer.userID,
            limit: limits.byteShare, leaving: endpoint.ledger.reserve)
        if limits.admission.dependsOnSocket(request) {
            request.fitsIntoSocket = request.byteCount <= outputRoom
        }
    }

    /// The number of bytes that the socket takes now. 0 if that cannot be determined: then the message needs room in a
    /// budget.
    private var outputRoom: Int {
        do throws(SystemError) { return try stream.outputRoom() } catch { return 0 }
    }

    /// A message met an exhausted budget. If the message was refused, it needs room there, so the largest holder is
    /// looked for.
    private func noteExceededBudget(of request: QueueAdmission.Request, isWanted: Bool = false) {
        guard let budget = request.exceededBudget, budget.scope != .connection else { return }
        endpoint.ledger.countRefusal(of: peer.userID)
        guard isWanted, let queue else { return }
        let growth = growth(of: queue, for: request.byteCount).capacity - queue.value.charge.byteCount
        endpoint.noteShortage(budget, chargedByteCount + request.byteCount, growth: growth)
    }
}

// MARK: - Displacing and dropping

extension PipeConnection {
    private func displace(_ byteCount: Int, compacts: Bool) -> Int {
        guard let queue else { return 0 }
        let count = queue.value.dropOldest(freeing: byteCount, codec.framing)
        noteDisplaced(count)
        if compacts { queue.value.compact() }
        return count
    }

    /// Displaces the oldest waiting messages until at most `limit` are left.
    func displace(downTo limit: Int, in queue: SendQueueSlot) {
        let count = queue.value.unsentMessageCount - limit
        guard count > 0 else { return }
        noteDisplaced(queue.value.dropOldest(freeing: .max, atMost: count, codec.framing))
    }

    /// Counts messages that are dropped although `send` took them.
    private func noteDisplaced(_ count: Int) {
        guard count > 0 else { return }
        rare.displacedMessageCount += count
        endpoint.traffic.displacedMessageCount &+= count
    }

    /// Counts a message that is dropped instead of being taken.
    private func noteDropped() {
        rare.droppedMessageCount += 1
        endpoint.traffic.droppedMessageCount &+= 1
    }

    /// Recycles the queue if nothing was added to it after all. It may be empty because its messages were displaced.
    func recycleQueueIfEmpty() {
        guard let queue, queue.value.isEmpty else { return }
        // A message without bytes, in a framing without boundaries, counts as sent.
        endpoint.traffic.sentMessageCount &+= queue.value.messageCount
        countSent(0, messageCount: queue.value.messageCount)
        recycleQueue()
        if flow.dependsOnQueue { queueIsWritten() }
    }
}

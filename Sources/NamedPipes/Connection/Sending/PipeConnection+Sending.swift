// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// From a message to the queue. The queue is written at the end of the turn, with one call (PipeConnection+Writing).

extension PipeConnection {
    /// Queues one message. All messages of a turn are written together, with one call.
    ///
    /// - Parameter message: its bytes, at most the framing's maximum; copied before this returns.
    /// - Returns: whether there is room for more.
    /// - Throws: ``PipeError/notConnected(_:)``, ``PipeError/messageTooLarge(byteCount:limit:)``,
    ///   ``PipeError/sendQueueFull(limit:)`` or ``PipeError/framing(_:)``. If it throws, nothing of the message is
    ///   sent.
    @discardableResult
    public func send(_ message: Span<UInt8>) throws(PipeError) -> SendVerdict {
        endpoint.assertOwner()
        guard let queue = prepaidQueue(for: message.count) else { return try sendSlowly(message, from: .lent) }
        // It joins other messages, so there is nothing to decide. It is counted first: keeping registers alive across
        // the copy would cost five instructions.
        countTaken(queue)
        if !queue.value.bytes.appendShortPlainFrame(message) { append(message, to: queue) }
        return .accepted
    }

    /// The queue, if a message can join others in it without a decision.
    @inline(__always)
    private func prepaidQueue(for byteCount: Int) -> SendQueueSlot? {
        guard let queue, byteCount <= endpoint.codec.plainMessageLimit, queue.value.isPrepaid(byteCount) else {
            return nil
        }
        return queue
    }

    @inline(never)
    private func append(_ message: Span<UInt8>, to queue: SendQueueSlot) { queue.value.bytes.appendPlainFrame(message) }

    /// Handles every message that needs a decision: the first of a burst, a large one, one for a long queue.
    @inline(never)
    func sendSlowly(_ message: Span<UInt8>, from source: MessageSource) throws(PipeError) -> SendVerdict {
        guard let displacedCount = try admit(message, from: source) else { return .dropped }
        guard let queue else { throw .notConnected(lifecycle.missing) }
        // Counted before it is appended, because a large one may be written there.
        countTaken(queue)
        do {
            if try !appendInPlace(message, from: source, to: queue) {
                try codec.encode(message, into: &queue.value.bytes)
            }
        } catch {
            uncountTaken(queue)
            recycleQueueIfEmpty()
            throw PipeError(error)
        }
        if state.isTapped, !source.isFrame { showSent(message) }
        // What was queued without room is recorded here. Of anything else, the charge is there already.
        if isWaiting { chargeGrowth(of: queue) }
        return didQueue(displacing: displacedCount)
    }

    /// Schedules the write of a queued message, and returns its verdict.
    func didQueue(displacing displacedCount: Int) -> SendVerdict {
        let isAboveHighWaterMark = scheduleFlush()
        if displacedCount > 0 { return .acceptedByDisplacing(messageCount: displacedCount) }
        return isAboveHighWaterMark ? .acceptedAboveHighWaterMark : .accepted
    }

    /// Queues the UTF-8 bytes of a text as one message; see ``send(_:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: String) throws(PipeError) -> SendVerdict { try send(message.utf8.span) }

    /// Queues an array. A large one is written from its own memory, with the others of this turn: it is retained until
    /// then, and changing it meanwhile makes a copy.
    @discardableResult
    public func send(_ message: [UInt8]) throws(PipeError) -> SendVerdict {
        guard message.count >= ReactorBuffers.writtenAtOnceByteCount else { return try send(message.span) }
        endpoint.assertOwner()
        return try sendSlowly(message.span, from: .array(message))
    }

    /// Queues a kept message; see ``send(_:)-(Span<UInt8>)``. A large one is written from its own memory.
    @discardableResult
    public func send(_ message: PipeMessage) throws(PipeError) -> SendVerdict {
        let (_, owner) = unsafe message.memory
        return try message.withBytes { bytes throws(PipeError) in
            guard bytes.count >= ReactorBuffers.inPlaceByteCount else { return try send(bytes) }
            endpoint.assertOwner()
            return try sendSlowly(bytes, from: .buffer(owner))
        }
    }

    /// Queues the messages that a client kept while it had no connection.
    func adopt(_ kept: SendQueueSlot) {
        endpoint.traffic.takenMessageCount &+= kept.value.messageCount
        queue = kept
        chargeQueue(kept)
        if kept.value.byteCount > limits.highWaterMark { didRiseAboveHighWaterMark() }
        _ = scheduleFlush()
    }

    /// Schedules the write of the queue for the end of the turn; above the high-water mark, writes it now.
    ///
    /// - Returns: whether the queue is still above the mark.
    private func scheduleFlush() -> Bool {
        // A large message may have been written already.
        guard let queue else { return false }
        let mark = limits.highWaterMark
        guard queue.value.byteCount > mark else {
            // Inside a callback of this connection the flush follows anyway; otherwise, while waiting for writability,
            // it follows the event.
            // While a budget has little room, each message is written at once: if it has to wait, no other is received
            // before it is written, whose answer might have to be refused.
            if endpoint.ledger.isTight || isUnpaid(queue) { flush() } else if !isWaiting { schedule() }
            return false
        }
        // A long burst is written in pieces, so that it does not accumulate here first.
        flush()
        // If that write failed, the queue never drains: waiting for that would leave the connection deaf to its own
        // end.
        guard let rest = self.queue, rest.value.byteCount > mark, lifecycle.canWrite else { return false }
        didRiseAboveHighWaterMark()
        return true
    }

    private func didRiseAboveHighWaterMark() {
        flow.rise(pausingReceiving: limits.pausesReceivingAboveHighWaterMark)
    }
}

extension PipeError {
    /// Translates a framing's refusal to encode into the error of `send`.
    init(_ error: FramingError) {
        if case .messageTooLarge(let byteCount, let limit, _) = error {
            self = .messageTooLarge(byteCount: byteCount, limit: limit)
        } else {
            self = .framing(error)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// From a message to the queue. The queue leaves at the end of the turn, in one write (PipeConnection+Writing).

extension PipeConnection {
    /// Queues one message. It leaves with the others of this turn, in one write.
    ///
    /// - Parameter message: its bytes, at most the framing's maximum; copied before this returns.
    /// - Returns: whether there is room for more.
    /// - Throws: ``PipeError/notConnected``, ``PipeError/messageTooLarge(byteCount:limit:)``,
    ///   ``PipeError/sendQueueFull(limit:)`` or ``PipeError/framing(_:)``. Nothing of the message was sent then.
    @discardableResult
    public func send(_ message: Span<UInt8>) throws(PipeError) -> SendVerdict {
        endpoint.assertOwner()
        guard let queue = prepaidQueue(for: message.count) else { return try sendSlowly(message, from: .lent) }
        // It joins others, whose way is decided. Counted first: registers that had to survive the copying would cost
        // five instructions.
        countTaken(queue)
        if !queue.value.bytes.appendShortPlainFrame(message) { append(message, to: queue) }
        return .accepted
    }

    /// The queue, if a message joins others in it and nothing has to be decided.
    @inline(__always)
    private func prepaidQueue(for byteCount: Int) -> SendQueueSlot? {
        guard let queue, byteCount <= endpoint.codec.plainMessageLimit, queue.value.isPrepaid(byteCount) else {
            return nil
        }
        return queue
    }

    @inline(never)
    private func append(_ message: Span<UInt8>, to queue: SendQueueSlot) { queue.value.bytes.appendPlainFrame(message) }

    /// Every message for which something has to be decided: the first of a burst, a large one, one for a long queue.
    @inline(never)
    func sendSlowly(_ message: Span<UInt8>, from source: MessageSource) throws(PipeError) -> SendVerdict {
        guard let displacedCount = try admit(message, from: source) else { return .dropped }
        guard let queue else { throw .notConnected }
        // Before it is appended, because a large one may be written there.
        countTaken(queue)
        do {
            if try !appendInPlace(message, from: source, to: queue) {
                try endpoint.codec.encode(message, into: &queue.value.bytes)
            }
        } catch {
            uncountTaken(queue)
            recycleQueueIfEmpty()
            throw PipeError(error)
        }
        return didQueue(displacing: displacedCount)
    }

    /// Has a message that was queued leave, and says what became of it.
    func didQueue(displacing displacedCount: Int) -> SendVerdict {
        let isAboveHighWaterMark = scheduleFlush()
        if displacedCount > 0 { return .acceptedByDropping(messageCount: displacedCount) }
        return isAboveHighWaterMark ? .acceptedAboveHighWaterMark : .accepted
    }

    /// Queues the UTF-8 bytes of a text as one message; see ``send(_:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: String) throws(PipeError) -> SendVerdict { try send(message.utf8.span) }

    /// Queues an array. A large one leaves from where it lies, with the others of this turn: it is retained until it
    /// has left, and changing it meanwhile makes a copy.
    @discardableResult
    public func send(_ message: [UInt8]) throws(PipeError) -> SendVerdict {
        guard message.count >= ReactorBuffers.writtenAtOnceByteCount else { return try send(message.span) }
        endpoint.assertOwner()
        return try sendSlowly(message.span, from: .array(message))
    }

    /// Queues a message that is kept; see ``send(_:)-(Span<UInt8>)``. A large one leaves from where it lies.
    @discardableResult
    public func send(_ message: PipeMessage) throws(PipeError) -> SendVerdict {
        let (_, owner) = unsafe message.memory
        return try message.withBytes { bytes throws(PipeError) in
            guard bytes.count >= ReactorBuffers.inPlaceByteCount else { return try send(bytes) }
            endpoint.assertOwner()
            return try sendSlowly(bytes, from: .buffer(owner))
        }
    }

    /// Queues what a client kept while it had no connection.
    func adopt(_ kept: SendQueueSlot) {
        endpoint.traffic.takenMessageCount &+= kept.value.messageCount
        queue = kept
        chargeQueue(kept)
        if kept.value.byteCount > endpoint.configuration.highWaterMark { didRiseAboveHighWaterMark() }
        _ = scheduleFlush()
    }

    /// Has the queue leave at the end of the turn; above the high-water mark, writes it now.
    ///
    /// - Returns: whether it is still above.
    private func scheduleFlush() -> Bool {
        // A large message may have left already.
        guard let queue else { return false }
        let mark = endpoint.configuration.highWaterMark
        guard queue.value.byteCount > mark else {
            // Inside a callback of this connection the flush follows anyway; while writability is awaited, it follows
            // then.
            if !isWaiting { schedule() }
            return false
        }
        // A long burst goes out in pieces, so that it does not pile up here first.
        flush()
        // Where that write failed, nothing ever drains: waiting for it would leave the connection deaf to its own end.
        guard let rest = self.queue, rest.value.byteCount > mark, lifecycle.canWrite else { return false }
        didRiseAboveHighWaterMark()
        return true
    }

    private func didRiseAboveHighWaterMark() {
        flow.rise(pausingReceiving: endpoint.configuration.pausesReceivingAboveHighWaterMark)
    }
}

extension PipeError {
    /// A framing's refusal to encode, as the error of `send`.
    init(_ error: FramingError) {
        if case .messageTooLarge(let byteCount, let limit) = error {
            self = .messageTooLarge(byteCount: byteCount, limit: limit)
        } else {
            self = .framing(error)
        }
    }
}

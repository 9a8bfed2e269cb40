// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// From a message to the kernel: encoded into the queue, and one write for all that a burst has queued. What the kernel
// does not take waits for writability.

extension PipeConnection {
    /// What became of a message that was not refused.
    @nonexhaustive
    public enum SendVerdict: Hashable, Sendable {
        /// Sent or queued, and there is room for more.
        case accepted
        /// Queued, and the queue is now above ``Configuration/highWaterMark``: best stop until `connectionDidDrain`.
        case acceptedAboveHighWaterMark
        /// Queued, in the place of so many messages that had waited: ``SlowReaderPolicy/dropOldest`` or
        /// ``SlowReaderPolicy/keepLatest``.
        case acceptedByDropping(messageCount: Int)
        /// Not queued, and not an error either: there was no room, and the policy is ``SlowReaderPolicy/dropNewest``, or
        /// the message is too large to take the place of others.
        case dropped
    }

    /// Queues one message. It leaves with the others of this turn, in one write.
    ///
    /// - Parameter message: its bytes, at most the framing's maximum; copied before this returns.
    /// - Returns: whether there is room for more.
    /// - Throws: ``PipeError/notConnected``, ``PipeError/messageTooLarge(byteCount:limit:)``,
    ///   ``PipeError/sendQueueFull(limit:)`` or ``PipeError/framing(_:)``. Nothing of the message was sent then.
    @discardableResult
    public func send(_ message: Span<UInt8>) throws(PipeError) -> SendVerdict {
        endpoint.assertOwner()
        if let queue = plainQueue(for: message.count), queue.value.bytes.appendShortPlainFrame(message) {
            // It joins others, and what is to become of those is decided.
            endpoint.traffic.acceptedMessageCount &+= 1
            return .accepted
        }
        return try sendOther(message)
    }

    /// The queue, if a message joins others in it and nothing has to be decided.
    @inline(__always)
    private func plainQueue(for byteCount: Int) -> SendQueueSlot? {
        guard let queue, lifecycle.canSend, byteCount <= endpoint.plainMessageLimit,
            queue.value.byteCount &+ byteCount <= queue.value.prepaidByteCount
        else { return nil }
        return queue
    }

    /// ``send(_:)-(Span<UInt8>)`` where it takes calls.
    @inline(never)
    private func sendOther(_ message: Span<UInt8>) throws(PipeError) -> SendVerdict {
        if let queue = plainQueue(for: message.count) {
            queue.value.bytes.appendPlainFrame(message)
            endpoint.traffic.acceptedMessageCount &+= 1
            return .accepted
        }
        return try sendFirst(message)
    }

    /// ``send(_:)-(Span<UInt8>)`` where there is something to decide: the first message of a burst, a long queue.
    @inline(never)
    private func sendFirst(_ message: Span<UInt8>) throws(PipeError) -> SendVerdict {
        try enqueue(message) { queue throws(FramingError) in
            guard message.count >= ReactorBuffers.inPlaceByteCount else { return false }
            return try sendInPlace(message, queue)
        }
    }

    /// Queues a message as `insert` does it, or, where that answers with false, encoded.
    @inline(__always)
    func enqueue(
        _ message: Span<UInt8>, _ insert: (SendQueueSlot) throws(FramingError) -> Bool
    ) throws(PipeError) -> SendVerdict {
        let room = try room(for: message.count) { () throws(FramingError) in try endpoint.frameByteCount(of: message) }
        guard let queue = room.queue else { return .dropped }
        do {
            if try !insert(queue) { try endpoint.encode(message, into: &queue.value.bytes) }
        } catch {
            giveBackQueueIfEmpty()
            throw PipeError(error)
        }
        endpoint.traffic.acceptedMessageCount &+= 1
        return didQueue(inPlaceOf: room.droppedMessageCount)
    }

    /// Queues the UTF-8 bytes of a text as one message; see ``send(_:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: String) throws(PipeError) -> SendVerdict { try send(message.utf8.span) }

    /// Queues what a client kept while it had no connection.
    func adopt(_ kept: SendQueueSlot) {
        endpoint.traffic.acceptedMessageCount &+= kept.value.unsentMessageCount(endpoint.framing)
        queue = kept
        payForQueue(kept)
        if kept.value.byteCount > endpoint.configuration.highWaterMark { didRiseAboveHighWaterMark() }
        _ = didQueue()
    }

    @inline(__always)
    func didQueue(inPlaceOf droppedMessageCount: Int = 0) -> SendVerdict {
        let verdict = didQueueOne()
        return droppedMessageCount == 0 ? verdict : .acceptedByDropping(messageCount: droppedMessageCount)
    }

    @inline(__always)
    private func didQueueOne() -> SendVerdict {
        // A large message may have left already.
        guard let queue else { return .accepted }
        let mark = endpoint.configuration.highWaterMark
        guard queue.value.byteCount > mark else {
            // Inside a callback of this connection the flush follows anyway; while writability is awaited, it follows then.
            if !flags.contains(.awaitingWritability) { schedule() }
            return .accepted
        }
        // A long burst goes out in pieces, so that it does not pile up here first.
        flush()
        // Where that write failed, nothing ever drains: waiting for it would leave the connection deaf to its own end.
        guard let rest = self.queue, rest.value.byteCount > mark, lifecycle.canWrite else { return .accepted }
        didRiseAboveHighWaterMark()
        return .acceptedAboveHighWaterMark
    }

    private func didRiseAboveHighWaterMark() {
        flags.insert(.aboveHighWaterMark)
        // It came down and rose again before anybody was told: the drain to tell of is the one that follows.
        flags.remove(.drainDue)
        if endpoint.configuration.pausesReceivingAboveHighWaterMark { flags.insert(.heldBack) }
    }
}

// MARK: - Writing

extension PipeConnection {
    /// Writes what is queued, once. The kernel takes all of it, or we wait for writability.
    func flush() {
        guard let queue, !flags.contains(.awaitingWritability), lifecycle.canWrite else { return }
        noteActivity()
        if isOverTransport { writeToTransport(queue) } else { write(queue) }
    }

    /// What ``flush()`` does where nothing stands against it.
    @inline(__always)
    func write(_ queue: SendQueueSlot) {
        do {
            let count = queue.value.byteCount
            let taken = try queue.value.isContiguous ? writeContiguous(queue) : writeGathered(queue)
            endpoint.traffic.sentByteCount &+= taken ?? 0
            guard taken == count else { return try didWrite(taken ?? 0, of: queue) }
        } catch {
            return outputDidFail(error)
        }
        didWriteAll()
    }

    @inline(__always)
    func didWriteAll() {
        giveBackQueue()
        if flags.contains(.aboveHighWaterMark) { didFallBelowHighWaterMark() }
    }

    @inline(__always)
    private func writeContiguous(_ queue: SendQueueSlot) throws(SystemError) -> Int? {
        try unsafe queue.value.bytes.withUnsafeBytes { bytes throws(SystemError) in
            try unsafe Socket.send(descriptor, bytes)
        }
    }

    @inline(never)
    private func writeGathered(_ queue: SendQueueSlot) throws(SystemError) -> Int? {
        try Socket.send(descriptor) { queue.value.gather(into: &$0) }
    }

    @inline(never)
    func didWrite(_ count: Int, of queue: SendQueueSlot) throws(SystemError) {
        queue.value.didWrite(count, endpoint.framing)
        if flags.contains(.aboveHighWaterMark) { noteLevel(queue.value.byteCount) }
        try awaitWritability(queue)
    }

    private func awaitWritability(_ queue: SendQueueSlot) throws(SystemError) {
        flags.insert(.awaitingWritability)
        transport?.interestDidChange()
        // Either it has just taken something, or it is asked for the first time.
        queue.value.tookLastTick = endpoint.tick
        if endpoint.slowReaderPolicy == .keepLatest { keepLatest(in: queue) }
        queue.value.trim()
        payForQueue(queue)
        if endpoint.deadlines.watchesQueues { endpoint.watchDeadlines() }
        guard lifecycle.canWrite else { return }
        if flags.contains(.watchingOutput) {
            // Behind the end of the input, the watch tells of changes only: have it look again, in case there is room.
            if flags.contains(.inputEnded) {
                rare.writeSource?.unregister()
                try rare.writeSource?.register()
            }
            return
        }
        flags.insert(.watchingOutput)
        rare.writeSource = EventSource(endpoint.reactor, borrowing: descriptor, .writable, handler: self)
        try rare.writeSource?.register()
    }

    /// Receiving goes on below the high-water mark, the owner's sending at the low one. With the low one for both, only one
    /// direction of a connection with large messages would move at a time (0.8 of the rate at 4 MiB).
    private func noteLevel(_ byteCount: Int) {
        if byteCount <= endpoint.configuration.lowWaterMark { return didFallBelowHighWaterMark() }
        guard flags.contains(.heldBack), byteCount <= endpoint.configuration.highWaterMark else { return }
        flags.remove(.heldBack)
        flags.insert(.wantsTurn)
        schedule()
    }

    /// Down at the low-water mark: the delegate hears of it, and what was held back goes on.
    func didFallBelowHighWaterMark() {
        flags.remove([.aboveHighWaterMark, .heldBack])
        flags.insert([.drainDue, .wantsTurn])
        schedule()
    }

    /// Writability is not asked for while nothing waits: every read of the peer would be an event.
    @inline(__always)
    func giveBackQueue() {
        guard let queue else { return }
        self.queue = nil
        endpoint.buffers.giveBack(queue)
        if flags.contains(.watchingOutput) { stopWatchingOutput() }
    }

    @inline(never)
    private func stopWatchingOutput() {
        // The write may have been made before the event that it was to wait for, which then does not come.
        flags.remove(.awaitingWritability)
        guard lifecycle.state != .finished else { return }
        flags.remove(.watchingOutput)
        rare.writeSource = nil
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

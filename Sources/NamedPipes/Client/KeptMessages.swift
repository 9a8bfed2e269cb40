// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// The messages that a client keeps while it has no connection: as frames, in the order in which they are sent.
///
/// There are never more of them than one send queue takes, however often connections come and go. A connection that is
/// ending may hand over everything that it has queued. Therefore its queue counts here as well, and `send` refuses the
/// excess before it accepts a message that could not be kept.
struct KeptMessages: ~Copyable {
    private var queue: SendQueueSlot?

    var byteCount: Int { queue?.value.byteCount ?? 0 }

    /// The charge for the memory in the ledger.
    var chargedByteCount: Int { queue?.value.charge.byteCount ?? 0 }

    var messageCount: Int { queue?.value.messageCount ?? 0 }

    /// Keeps one more message.
    ///
    /// - Parameter pending: the queue of the last connection, which it may hand over.
    /// - Returns: whether there is room for more.
    mutating func keep(
        _ message: Span<UInt8>, behind pending: Int, _ endpoint: Endpoint
    ) throws(PipeError) -> PipeConnection.SendVerdict {
        let limit = endpoint.configuration.sendQueueLimit
        let waiting = pending + byteCount
        let frameByteCount = try Result { () throws(FramingError) in try endpoint.codec.frameByteCount(of: message) }
            .mapError(PipeError.init).get()
        guard waiting == 0 || waiting + frameByteCount <= limit else { throw .sendQueueFull(limit: limit) }
        let queue = queue ?? SendQueueSlot()
        self.queue = queue
        defer { charge(endpoint) }
        do {
            try endpoint.framing.encode(message, into: &queue.value.bytes)
            queue.value.messageCount += 1
        } catch {
            throw PipeError(error)
        }
        return pending + byteCount > endpoint.configuration.highWaterMark ? .acceptedAboveHighWaterMark : .accepted
    }

    /// Keeps the unsent messages of a connection that has ended: every frame of which not one byte was written, in
    /// front of all others.
    mutating func keep(unsentFramesOf lost: SendQueueSlot, _ endpoint: Endpoint) {
        let all = SendQueueSlot()
        all.value.bytes.reserveCapacity(lost.value.droppableByteCount + byteCount)
        all.value.append(unsentFramesOf: lost.value)
        if let queue {
            all.value.append(unsentFramesOf: queue.value)
            queue.destroy()
        }
        queue = all
        charge(endpoint)
    }

    /// Hands all messages over to a connection, which is charged for them from now on.
    mutating func take() -> SendQueueSlot? { queue.take() }

    mutating func drop() { queue.take()?.destroy() }

    /// The memory is allocated already: a client's ledger has no limit.
    private func charge(_ endpoint: Endpoint) {
        guard let queue else { return }
        queue.value.charge.follow(queue.value.capacity, endpoint.ledger, userID: CurrentProcess.userID)
    }

    deinit { queue?.destroy() }
}

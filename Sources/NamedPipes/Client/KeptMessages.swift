// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// The messages that a client keeps while it has no connection: as frames, in the order in which they leave.
///
/// There are never more of them than one send queue takes, however often connections come and go. A connection that is
/// on its way to its end may hand over all that it has queued; so what it has counts here as well, and `send` refuses
/// what would be too much before anything is accepted that could not be kept.
struct KeptMessages: ~Copyable {
    private var queue: SendQueueSlot?

    var byteCount: Int { queue?.value.byteCount ?? 0 }

    /// The memory, as the ledger has it.
    var chargedByteCount: Int { queue?.value.charge.byteCount ?? 0 }

    var messageCount: Int { queue?.value.messageCount ?? 0 }

    /// Keeps one message more.
    ///
    /// - Parameter pending: what the last connection has queued and may hand over.
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

    /// Keeps what a connection that has ended leaves: every frame of which not one byte was written, before all others.
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

    /// Hands all over to a connection, which pays for it from now on.
    mutating func take() -> SendQueueSlot? { queue.take() }

    mutating func drop() { queue.take()?.destroy() }

    /// It is there already: a client's ledger has no limit.
    private func charge(_ endpoint: Endpoint) {
        guard let queue else { return }
        queue.value.charge.follow(queue.value.capacity, endpoint.ledger, userID: CurrentProcess.userID)
    }

    deinit { queue?.destroy() }
}

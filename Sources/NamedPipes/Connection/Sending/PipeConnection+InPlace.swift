// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// Large messages are written from their own memory, if it lives long enough: a copy would cost too much.

extension PipeConnection {
    /// Queues a large message without copying it, if its memory lives long enough, or a frame that is already encoded.
    ///
    /// - Returns: whether it was queued. If not, it has to be encoded into the queue's buffer.
    func appendInPlace(
        _ message: Span<UInt8>, from source: MessageSource, to queue: SendQueueSlot
    ) throws(FramingError) -> Bool {
        let isLarge = message.count >= ReactorBuffers.inPlaceByteCount
        switch source {
        case .frame(let frame):
            append(frame, to: queue)
            if isLarge { chargeFrame(in: queue) }
            return true
        case .lent where isLarge:
            return try appendLent(message, to: queue)
        case .array(let array) where isLarge:
            return try append(message, KeptArray(array), keeping: array.capacity, to: queue)
        case .buffer(let owner) where isLarge:
            return try append(message, owner, keeping: owner.bytes.capacity, to: queue)
        case .lent, .array, .buffer:
            return false
        }
    }

    /// Queues a frame that is already encoded. The caller charges for it. After a partial write, it does so only once
    /// the written part is known, because the charge may end the connection, which then counts the unsent messages.
    func append(_ frame: SharedBuffer, to queue: SendQueueSlot) {
        guard frame.bytes.byteCount >= ReactorBuffers.inPlaceByteCount else {
            return frame.withBytes { queue.value.bytes.append(contentsOf: $0) }
        }
        _ = unsafe frame.bytes.withUnsafeBytes { body in
            unsafe queue.value.append(inPlace: body, frame, capacity: frame.bytes.capacity) { _ in FrameEnvelope() }
        }
    }

    /// Queues a message without copying it if its memory lives long enough; otherwise writes it at once, where the
    /// kernel copies it.
    private func appendLent(_ message: Span<UInt8>, to queue: SendQueueSlot) throws(FramingError) -> Bool {
        let place = unsafe message.withUnsafeBytes { unsafe endpoint.buffers.place(of: $0) }
        if case .memory(let owner) = place {
            return try append(message, owner, keeping: owner.bytes.capacity, to: queue)
        }
        // A message in the receive buffer can wait for the one write of the burst if this connection received it,
        // because that write precedes the next read. Any other message would have to be written now, which pays only if
        // it is too large for the socket.
        let waits = if case .receiveBuffer = place { turn.isBusy } else { false }
        if isWaiting, message.count >= LargeBufferPool.smallestByteCount {
            return try appendCopy(of: message, to: queue)
        }
        guard canWriteNow, waits || message.count >= ReactorBuffers.writtenAtOnceByteCount,
            try append(message, nil, keeping: message.count, to: queue)
        else { return false }
        if waits { return true }
        // The connection ends here if the budgets had no room for the memory that the queue now keeps.
        guard lifecycle.canWrite else { return true }
        write(queue)
        adoptBorrowed()
        return true
    }

    private var canWriteNow: Bool { !isWaiting && lifecycle.canWrite }

    /// Copies a message that has to wait to memory of the pool, if the budgets allow that. The queue's own buffer grows
    /// and is freed again, so most of its pages would come anew from the kernel: 8,000 faults a second at 64 KiB.
    private func appendCopy(of message: Span<UInt8>, to queue: SendQueueSlot) throws(FramingError) -> Bool {
        let owner = endpoint.buffers.memory(for: message.count)
        owner.bytes.append(contentsOf: message)
        return try owner.withBytes { copy throws(FramingError) in
            try append(copy, owner, keeping: owner.bytes.capacity, to: queue)
        }
    }

    /// Queues a message without copying it, and charges for all the memory that it keeps alive, which may hold other
    /// messages as well. If the budgets have no room for that, does nothing; the copy that follows is charged for.
    private func append(
        _ message: Span<UInt8>, _ owner: AnyObject?, keeping capacity: Int, to queue: SendQueueSlot
    ) throws(FramingError) -> Bool {
        guard mayKeep(capacity, in: queue) else { return false }
        let isAppended = try unsafe message.withUnsafeBytes { body throws(FramingError) in
            try unsafe queue.value.append(inPlace: body, owner, capacity: capacity) { output throws(FramingError) in
                try codec.framing.encodeEnvelope(of: message, into: &output)
            }
        }
        if isAppended { chargeGrowth(of: queue) }
        return isAppended
    }
}

/// An array that a queue retains. Its elements neither move nor change meanwhile.
private final class KeptArray {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }
}

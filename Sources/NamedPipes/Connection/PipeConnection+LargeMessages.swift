// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// Messages that are too large to be copied for nothing: they leave from where they lie.

extension PipeConnection {
    /// Queues a message that is kept; see ``send(_:)-(Span<UInt8>)``. A large one leaves from where it lies.
    @discardableResult
    public func send(_ message: PipeMessage) throws(PipeError) -> SendVerdict {
        try message.withBytes { bytes throws(PipeError) in
            guard bytes.count >= TransferBuffers.inPlaceByteCount else { return try send(bytes) }
            return try enqueue(bytes) { queue throws(FramingError) in
                let (body, owner) = unsafe message.memory
                return try unsafe insert(body, owner, keeping: owner.bytes.capacity, bytes, into: queue)
            }
        }
    }

    /// Queues an array. A large one leaves from where it lies, with the others of this turn: it is held until it has left,
    /// and whoever changes it meanwhile gets a copy.
    @discardableResult
    public func send(_ message: [UInt8]) throws(PipeError) -> SendVerdict {
        guard message.count >= TransferBuffers.writtenAtOnceByteCount else { return try send(message.span) }
        return try enqueue(message.span) { queue throws(FramingError) in
            let kept = KeptArray(message)
            let span = message.span
            return try unsafe span.withUnsafeBytes { body throws(FramingError) in
                try unsafe insert(body, kept, keeping: message.capacity, span, into: queue)
            }
        }
    }

    /// Keeps a message beyond the callback that it was given to. A large one is not copied: it stays in the memory that it
    /// was read into.
    public func keep(_ message: Span<UInt8>) -> PipeMessage {
        guard message.count >= TransferBuffers.inPlaceByteCount else { return PipeMessage(copying: message) }
        return unsafe message.withUnsafeBytes { body in
            guard case .memory(let owner) = unsafe host.buffers.place(of: body) else {
                return PipeMessage(copying: message)
            }
            return unsafe PipeMessage(body, in: owner)
        }
    }

    /// Queues a large message without copying it, if its memory lasts long enough, or makes the kernel copy it at once.
    func sendInPlace(_ message: Span<UInt8>, _ queue: SendQueueSlot) throws(FramingError) -> Bool {
        try unsafe message.withUnsafeBytes { body throws(FramingError) in
            let place = unsafe host.buffers.place(of: body)
            if case .memory(let owner) = place {
                return try unsafe insert(body, owner, keeping: owner.bytes.capacity, message, into: queue)
            }
            // What lies in the receive space can wait for the burst's one write, if it came in here: that is before the
            // next read. Anything else would have to leave now; that pays only if the socket does not hold it anyway.
            let waits = if case .receiveSpace = place { flags.contains(.busy) } else { false }
            if flags.contains(.awaitingWritability), message.count >= LargeBufferPool.smallestByteCount {
                return try insertCopy(of: message, queue)
            }
            guard canWriteNow, waits || message.count >= TransferBuffers.writtenAtOnceByteCount,
                try unsafe insert(body, nil, keeping: body.count, message, into: queue)
            else { return false }
            if waits { return true }
            // There may have been no room for what the queue keeps now, which ends the connection.
            guard lifecycle.canWrite else { return true }
            write(queue)
            adoptBorrowed()
            return true
        }
    }

    private var canWriteNow: Bool {
        flags.isDisjoint(with: [.awaitingWritability, .overTransport]) && lifecycle.canWrite
    }

    /// Copies a message that has to wait to memory of the pool, if the budgets allow that. In the queue's own buffer, which
    /// grows and goes again, most of it would be pages that the kernel gives anew: 8,000 faults a second at 64 KiB.
    private func insertCopy(of message: Span<UInt8>, _ queue: SendQueueSlot) throws(FramingError) -> Bool {
        let owner = host.buffers.memory(for: message.count)
        owner.bytes.append(contentsOf: message)
        return try unsafe owner.bytes.withUnsafeBytes { copy throws(FramingError) in
            try unsafe insert(copy, owner, keeping: owner.bytes.capacity, message, into: queue)
        }
    }

    /// Queues a body that stays where it is, and has the ledger know how much memory that keeps: of a message in memory of
    /// others, all of theirs. Where the budgets have no room for that, nothing happens: the copy that follows is paid for.
    private func insert(
        _ body: UnsafeRawBufferPointer, _ owner: AnyObject?, keeping capacity: Int, _ message: Span<UInt8>,
        into queue: SendQueueSlot
    ) throws(FramingError) -> Bool {
        guard mayKeep(capacity, in: queue) else { return false }
        let isInserted = try unsafe queue.value.append(
            inPlace: body, owner, capacity: capacity
        ) { output throws(FramingError) in
            try host.framing.encodeEnvelope(of: message, into: &output)
        }
        if isInserted { payForGrowth(of: queue) }
        return isInserted
    }
}

/// An array that a queue holds: what it is a part of does not move or change while somebody else holds it.
private final class KeptArray {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

extension PipeConnection {
    /// Queues one message with file descriptors, which the peer receives with it (`SCM_RIGHTS`, unix(7)).
    ///
    /// The message is admitted as by ``send(_:)-(Span<UInt8>)``, and the order of all messages is kept. The kernel
    /// passes the descriptors with the first byte of the message; then they are closed here. If the message is dropped
    /// from the queue, or the connection ends first, they are closed unsent.
    ///
    /// A peer that does not accept descriptors ends the connection with
    /// ``DescriptorProblem/refusedByPeer``: its kernel says so only when they are sent.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum; copied before this returns.
    ///   - descriptors: at most 253. Emptied if the message was accepted, or dropped by the slow-reader policy; if this
    ///     throws, unchanged. Without any, this is ``send(_:)-(Span<UInt8>)``.
    /// - Returns: whether there is room for more.
    /// - Throws: ``PipeError/descriptorsNotSent(_:)``, or as ``send(_:)-(Span<UInt8>)``. If it throws, nothing is sent.
    @discardableResult
    public func send(
        _ message: Span<UInt8>, descriptors: inout OutgoingDescriptors
    ) throws(PipeError) -> SendVerdict {
        endpoint.assertOwner()
        guard !descriptors.isEmpty else { return try send(message) }
        guard lifecycle.canSend else { throw .notConnected(lifecycle.missing) }
        guard stream.descriptor >= 0 else { throw .descriptorsNotSent(.notASocket) }
        let frame = try frame(of: message, descriptorCount: descriptors.count)
        let queued = descriptorTraffic.queued
        try checkRoom(for: descriptors.count, behind: queued)
        let displacedCount = try frame.withBytes { bytes throws(PipeError) in
            try admit(bytes, from: .frame(frame))
        }
        let taken = descriptors.takeAll()
        guard let displacedCount, let queue else { return .dropped }
        countTaken(queue)
        queue.value.append(DescriptorFrame(frame, taken, queued))
        chargeFrame(in: queue)
        if state.isTapped { showSent(message) }
        return didQueue(displacing: displacedCount)
    }

    /// Queues the UTF-8 bytes of a text as one message with descriptors; see
    /// ``send(_:descriptors:)-(Span<UInt8>,_)``.
    @discardableResult
    public func send(
        _ message: String, descriptors: inout OutgoingDescriptors
    ) throws(PipeError) -> SendVerdict {
        try send(message.utf8.span, descriptors: &descriptors)
    }

    /// Queues an array as one message with descriptors; see ``send(_:descriptors:)-(Span<UInt8>,_)``.
    @discardableResult
    public func send(
        _ message: [UInt8], descriptors: inout OutgoingDescriptors
    ) throws(PipeError) -> SendVerdict {
        guard !descriptors.isEmpty else { return try send(message) }
        return try send(message.span, descriptors: &descriptors)
    }

    private func checkRoom(for count: Int, behind queued: QueuedDescriptorCount) throws(PipeError) {
        let limit = QueuedDescriptorCount.limit
        if queued.value + count > limit { flush() }
        guard lifecycle.canSend else { throw .notConnected(lifecycle.missing) }
        guard queued.value == 0 || queued.value + count <= limit else {
            throw .descriptorsNotSent(.queueFull(limit: limit))
        }
    }
}

extension PipeConnection {
    /// The frame of a message that announces descriptors.
    fileprivate func frame(of message: Span<UInt8>, descriptorCount: Int) throws(PipeError) -> SharedBuffer {
        guard let announcing = codec.announcing else { throw .descriptorsNotSent(.framingCannotAnnounce) }
        let limit = DescriptorFraming.maximumDescriptorCount
        guard descriptorCount <= limit else {
            throw .descriptorsNotSent(.tooMany(count: descriptorCount, limit: limit))
        }
        let frame = SharedBuffer()
        do {
            try announcing.encode(message, descriptorCount: descriptorCount, into: &frame.bytes)
            return frame
        } catch {
            throw PipeError(error)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Descriptors that the peer sends, where the kernel does not refuse them for us. They are taken out of the socket with the
// bytes, closed on a helper thread, and the connection ends: after what came with them or before. A stream does not say
// which byte a descriptor belongs to, so nothing can be sorted out, and a peer that sends some does not speak our protocol.

extension PipeConnection {
    /// One read of this connection, for whatever its state; see ``Socket/receive(_:_:)``.
    func receive(into space: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReadOutcome<Int> {
        let outcome =
            if flags.contains(.guarded) {
                try unsafe receiveGuarded(into: space)
            } else {
                try unsafe Socket.receive(descriptor, space)
            }
        endpoint.traffic.receivedByteCount &+= outcome.byteCount
        return outcome
    }

    /// As ``receive(into:)``, into `first` and, behind it, into `second` and, unless the connection is guarded, `third`.
    func receive(
        into first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer,
        _ third: UnsafeMutableRawBufferPointer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    ) throws(SystemError) -> ReadOutcome<Int> {
        let outcome =
            if flags.contains(.guarded) {
                try unsafe receiveGuarded(into: first, second)
            } else {
                try unsafe Socket.receive(descriptor, first, second, third)
            }
        endpoint.traffic.receivedByteCount &+= outcome.byteCount
        return outcome
    }

    private func receiveGuarded(into space: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReadOutcome<Int> {
        if let transport { return try unsafe receive(transport, into: space) }
        return try unsafe takeIn(ReceivedDescriptors.receive(descriptor, space))
    }

    private func receiveGuarded(
        into first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReadOutcome<Int> {
        // What does not fit stays where it is, as with a read that the kernel cut short.
        if let transport { return try unsafe receive(transport, into: first) }
        return try unsafe takeIn(ReceivedDescriptors.receive(descriptor, first, second))
    }

    private func takeIn(_ outcome: ReadOutcome<ReceivedDescriptors>) -> ReadOutcome<Int> {
        outcome.map { received in
            if received.hasAny {
                rare.hasReceivedDescriptors = true
                // They are open in this process until then; nobody else learns of them.
                DescriptorDisposal.shared.close(received: received.descriptors)
            }
            return received.byteCount
        }
    }
}

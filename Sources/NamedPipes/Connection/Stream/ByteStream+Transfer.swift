// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.ENOTTY
internal import var Glibc.EOPNOTSUPP
internal import PipeReactor

// The transfer of bytes. A read has three answers (``ReadOutcome``). A write has two: the number of bytes that were
// taken, or nil if it would block.

extension ByteStream {
    /// One read of a stream that ``isDirect``, without a check.
    @inline(__always)
    func receiveDirectly(into space: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReadOutcome<Int> {
        try unsafe Socket.receive(descriptor, space)
    }

    /// One read, into `first`, then `second`, then `third`. A direct stream fills all three, a guarded socket the first
    /// two, the other kinds the first. Bytes that do not fit remain in the stream, as after a read that the kernel cut
    /// short.
    mutating func receive(
        into first: UnsafeMutableRawBufferPointer,
        _ second: UnsafeMutableRawBufferPointer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0),
        _ third: UnsafeMutableRawBufferPointer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    ) throws(SystemError) -> ReadOutcome<Int> {
        if isDirect {
            guard second.count | third.count > 0 else { return try unsafe Socket.receive(descriptor, first) }
            return try unsafe Socket.receive(descriptor, first, second, third)
        }
        if let pair { return try unsafe receive(through: pair, into: first) }
        guard let transport else {
            return try unsafe noteDescriptors(of: AncillaryRead.receive(descriptor, first, second))
        }
        return try transport.receive(atMost: first.count).map { bytes in
            unsafe first.copyBytes(from: bytes)
            return bytes.count
        }
    }

    private mutating func receive(
        through pair: DescriptorPair, into space: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReadOutcome<Int> {
        let outcome = try unsafe pair.receive(into: space)
        if pair.hasReceivedDescriptors { passedDescriptors = .received }
        return outcome
    }

    /// Descriptors from a peer, if the kernel does not refuse them, leave the socket with the bytes. A helper thread
    /// closes them. Until then they are open in this process, and no other code knows them.
    ///
    /// The connection ends once the bytes that came with them are delivered, if not before. A stream does not tell
    /// which byte a descriptor belongs to, so it cannot be assigned to a message; and a peer that sends descriptors
    /// does not speak our protocol.
    private mutating func noteDescriptors(of outcome: ReadOutcome<AncillaryRead>) -> ReadOutcome<Int> {
        if case .content(let received) = outcome, received.hasAny {
            passedDescriptors = .received
            DescriptorDisposal.shared.close(received: received.descriptors)
        }
        return outcome.map(\.byteCount)
    }

    /// One write of a stream that ``isDirect``, without a check, which saves four instructions a burst.
    @inline(__always)
    func sendDirectly(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        try unsafe Socket.send(descriptor, bytes)
    }

    /// One write.
    @inline(__always)
    func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        guard descriptor >= 0 else { return try unsafe sendElsewhere(bytes) }
        return try unsafe Socket.send(descriptor, bytes)
    }

    /// One write of several pieces, in the order of the list.
    @inline(never)
    func send(gathering fill: (inout GatherList) -> Void) throws(SystemError) -> Int? {
        guard descriptor < 0 else { return try Socket.send(descriptor, gathering: fill) }
        let bytes = GatherList.copying(atMost: Self.transportByteCount, fill)
        return try unsafe bytes.span.withUnsafeBytes { bytes throws(SystemError) in try unsafe sendElsewhere(bytes) }
    }

    @inline(never)
    private func sendElsewhere(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        if let pair { return try unsafe pair.send(bytes) }
        let beginning = unsafe UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.transportByteCount))
        return try transport?.send(unsafe Span<UInt8>(_unsafeBytes: beginning))
    }

    /// The largest write to a transport, in bytes.
    private static let transportByteCount = 256 << 10

    /// Tells the peer that no more bytes follow (`shutdown(2)` with `SHUT_WR`).
    func finishSending() {
        if descriptor >= 0 { return Socket.finishSending(descriptor) }
        pair?.finishSending()
        transport?.finishSending()
    }

    /// Whether the peer has yet to read bytes that the kernel or the transport took.
    func hasUnreadOutput() throws(SystemError) -> Bool {
        guard descriptor < 0 else { return try Socket.hasUnreadOutput(descriptor) }
        // The kernel's answer for a descriptor that does not know the question.
        guard let hasUnread = transport?.hasUnreadOutput else { throw SystemError(call: "ioctl", code: ENOTTY) }
        return hasUnread
    }

    /// The number of bytes that a write takes now, at least. Throws ENOTTY if there is no socket to ask.
    func outputRoom() throws(SystemError) -> Int {
        guard descriptor >= 0 else { throw SystemError(call: "ioctl", code: ENOTTY) }
        return try Socket.outputRoom(descriptor)
    }

    /// How the peer went away altogether; nil while it is there.
    func hangUp() throws(SystemError) -> PeerHangUp? {
        if let pair { return try pair.hangUp() }
        if let transport { return transport.hangUp }
        return try Socket.hangUp(descriptor)
    }
}

extension ByteStream {
    /// Why the stream was lost, if it says more than the error of the last call.
    var failure: DisconnectReason? { transport?.failure }
}

// What the kernel knows about the peer beyond its credentials. Each question costs a system call.

extension ByteStream {
    /// The peer's supplementary groups (`SO_PEERGROUPS`, socket(7)); none if there is no socket.
    func peerGroups() throws(SystemError) -> [UInt32] {
        try socket.map { (socket) throws(SystemError) in try Socket.peerGroups(socket) } ?? []
    }

    /// A descriptor of the process that connected (`SO_PEERPIDFD`, Linux 6.5).
    func peerProcess() throws(SystemError) -> OwnedDescriptor {
        // The kernel's answer for a socket that is not a local one.
        guard let socket else { throw SystemError(call: "getsockopt", code: EOPNOTSUPP) }
        return try Socket.peerProcess(socket)
    }

    /// The socket whose peer the kernel can be asked about.
    private var socket: Int32? { descriptor >= 0 ? descriptor : pair?.localSocket }
}

// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EOPNOTSUPP
internal import PipeReactor

// The bytes. A read has three answers (``ReadOutcome``), a write two: how many bytes were taken, or nil because none
// are now.

extension ByteStream {
    /// A read of a stream that ``isDirect``, with nothing asked.
    @inline(__always)
    func receiveDirectly(into space: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReadOutcome<Int> {
        try unsafe Socket.receive(descriptor, space)
    }

    /// One read, into `first` and, behind it, into `second` and `third`: all of them where the stream is direct,
    /// without the third where it is guarded, the first alone over a transport. What does not fit stays where it is, as
    /// with a read that the kernel cut short.
    mutating func receive(
        into first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer,
        _ third: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReadOutcome<Int> {
        if isDirect {
            guard second.count | third.count > 0 else { return try unsafe Socket.receive(descriptor, first) }
            return try unsafe Socket.receive(descriptor, first, second, third)
        }
        guard let transport else { return try unsafe takeIn(ReceivedDescriptors.receive(descriptor, first, second)) }
        return try transport.receive(atMost: first.count).map { bytes in
            unsafe first.copyBytes(from: bytes)
            return bytes.count
        }
    }

    /// Descriptors that the peer sent, where the kernel does not refuse them for us, are taken out of the socket with
    /// the bytes and closed on a helper thread. They are open in this process until then; nobody else learns of them.
    private mutating func takeIn(_ outcome: ReadOutcome<ReceivedDescriptors>) -> ReadOutcome<Int> {
        if case .content(let received) = outcome, received.hasAny {
            passedDescriptors = .received
            DescriptorDisposal.shared.close(received: received.descriptors)
        }
        return outcome.map(\.byteCount)
    }

    /// One write.
    @inline(__always)
    func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        guard descriptor >= 0 else { return try unsafe sendOverTransport(bytes) }
        return try unsafe Socket.send(descriptor, bytes)
    }

    /// One write of several pieces, in the order in which they are put into the list.
    @inline(never)
    func send(gathering fill: (inout GatherList) -> Void) throws(SystemError) -> Int? {
        guard let transport else { return try Socket.send(descriptor, gathering: fill) }
        return try transport.send(GatherList.copying(atMost: Self.transportByteCount, fill).span)
    }

    @inline(never)
    private func sendOverTransport(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        let beginning = unsafe UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.transportByteCount))
        return try transport?.send(unsafe Span<UInt8>(_unsafeBytes: beginning))
    }

    /// The most that a transport is given at a time.
    private static let transportByteCount = 256 << 10

    /// Tells the peer that no more comes (`shutdown(2)` with `SHUT_WR`).
    func finishSending() {
        if let transport { transport.finishSending() } else { Socket.finishSending(descriptor) }
    }

    /// How the peer has gone altogether; nil while it is there.
    func hangUp() throws(SystemError) -> PeerHangUp? {
        if let transport { return transport.hangUp }
        return try Socket.hangUp(descriptor)
    }
}

// What the kernel tells about the other end beyond the peer's credentials, for a system call each and only if asked.

extension ByteStream {
    /// The peer's supplementary groups (`SO_PEERGROUPS`, socket(7)); none where there is no socket.
    func peerGroups() throws(SystemError) -> [UInt32] {
        descriptor >= 0 ? try Socket.peerGroups(descriptor) : []
    }

    /// A descriptor of the process that connected (`SO_PEERPIDFD`, Linux 6.5).
    func peerProcess() throws(SystemError) -> OwnedDescriptor {
        // What the kernel says of a socket that is not a local one.
        guard descriptor >= 0 else { throw SystemError(call: "getsockopt", code: EOPNOTSUPP) }
        return try Socket.peerProcess(descriptor)
    }
}

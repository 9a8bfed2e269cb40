// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
internal import Glibc
internal import PipeReactor

/// The calls on stream sockets. A read has three results (``ReadOutcome``); other calls that would block return nil;
/// errors are thrown.
///
/// These functions only borrow descriptors. Nothing raises SIGPIPE, and everything made here is close-on-exec and
/// non-blocking from the first moment.
enum Socket {
    /// `socket(2)`: a new unconnected stream socket.
    static func stream(mayHoldDescriptors: Bool = false) throws(SystemError) -> OwnedDescriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = try systemCall("socket") { socket(AF_UNIX, type, 0) }
        return OwnedDescriptor(taking: number, mayHoldDescriptors: mayHoldDescriptors)
    }

    /// `accept4(2)`: the next waiting connection, or nil if there is none.
    static func accept(
        _ listener: Int32, _ guarded: DescriptorRefusal.Guarded = .none
    ) throws(SystemError) -> OwnedDescriptor? {
        let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = try nonBlockingCall("accept4") { accept4(listener, nil, nil, flags) }
        guard let number else { return nil }
        return OwnedDescriptor(taking: number, mayHoldDescriptors: guarded.includes(number))
    }

    /// `shutdown(2)` of a listening socket: every later connect is refused, even one that does not use the name, and
    /// waiting clients can still be accepted. The socket stays readable from then on.
    static func stopConnects(_ listener: Int32) {
        infallibleCall("shutdown") { shutdown(listener, Int32(SHUT_RD)) }
    }

    /// `connect(2)`: true once connected, false if the listener's queue is full. On a socket file it never blocks.
    static func connect(_ descriptor: Int32, _ address: SocketAddress) throws(SystemError) -> Bool {
        try nonBlockingCall("connect") {
            unsafe address.withUnsafePointer { unsafe CLibevent.connect(descriptor, $0, $1) }
        } != nil
    }

    /// Another descriptor of the same socket, closed on exec (`F_DUPFD_CLOEXEC`, fcntl(2)).
    static func duplicate(_ descriptor: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(taking: try systemCall("fcntl") { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) })
    }

    /// `recv(2)`: how many bytes arrived in `space`.
    @inline(__always)
    static func receive(
        _ descriptor: Int32, _ space: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReadOutcome<Int> {
        try readCall("recv") { unsafe recv(descriptor, space.baseAddress, space.count, 0) }
    }

    /// `readv(2)`: as ``receive(_:_:)``, into `first` and, behind it, into `second` and `third`.
    static func receive(
        _ descriptor: Int32, _ first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer,
        _ third: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReadOutcome<Int> {
        let vectors = unsafe [
            iovec(iov_base: first.baseAddress, iov_len: first.count),
            iovec(iov_base: second.baseAddress, iov_len: second.count),
            iovec(iov_base: third.baseAddress, iov_len: third.count),
        ]
        return try readCall("readv") { unsafe readv(descriptor, vectors, 3) }
    }

    /// `send(2)` with `MSG_NOSIGNAL`: how many bytes the kernel took, or nil if it takes none now.
    @inline(__always)
    static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        try nonBlockingCall("send") {
            unsafe CLibevent.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// ``receive(_:_:)`` on a socket that need not be non-blocking (`MSG_DONTWAIT`).
    static func receiveWithoutWaiting(
        _ descriptor: Int32, _ space: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReadOutcome<Int> {
        try readCall("recv") { unsafe recv(descriptor, space.baseAddress, space.count, Int32(MSG_DONTWAIT)) }
    }

    /// ``send(_:_:)`` on a socket that need not be non-blocking (`MSG_DONTWAIT`).
    static func sendWithoutWaiting(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer
    ) throws(SystemError) -> Int? {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return try nonBlockingCall("send") {
            unsafe CLibevent.send(descriptor, bytes.baseAddress, bytes.count, flags)
        }
    }

    /// `SO_SNDBUF` (socket(7)): how many bytes may be on their way to the peer. Without a number, the kernel's default
    /// stays.
    static func setSendBuffer(_ descriptor: Int32, _ byteCount: Int?) throws(SystemError) {
        guard let byteCount else { return }
        var value = Int32(clamping: max(0, byteCount))
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = try systemCall("setsockopt") { unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &value, size) }
    }

    /// `shutdown(2)` with `SHUT_WR`. A peer that is gone already (ENOTCONN) need not be told.
    static func finishSending(_ descriptor: Int32) {
        attemptCall("shutdown") { shutdown(descriptor, Int32(SHUT_WR)) }
    }

    /// Whether both directions have ended (`POLLHUP`), which libevent does not distinguish from a half-close.
    ///
    /// - Returns: how they ended; nil while the peer is there.
    static func hangUp(_ descriptor: Int32) throws(SystemError) -> PeerHangUp? {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        guard try systemCall("poll", { unsafe poll(&entry, 1, 0) }) == 1 else { return nil }
        if entry.revents & Int16(POLLERR) != 0 { return .reset }
        return entry.revents & Int16(POLLHUP) != 0 ? .clean : nil
    }
}

extension SystemError {
    /// Whether this is the error that a read returns once, if the peer closed with unread bytes.
    var isConnectionReset: Bool { code == ECONNRESET }

    /// Whether a failed write means that the peer no longer reads, rather than that something is wrong here.
    var isPeersDoing: Bool { code == EPIPE || code == ECONNRESET }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Queries of a descriptor that a parent process left or the embedder hands over, and the calls that prepare it for our
/// use.
enum InheritedSocket {
    /// Sets close-on-exec; false if the number is no open descriptor (`EBADF`).
    static func closeOnExec(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 }

    /// Whether the number is an open descriptor (`fcntl(2)`: otherwise `EBADF`).
    static func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) != -1 }

    /// Whether a stream socket is one end of a connection (`getpeername(2)`: otherwise `ENOTCONN`). It still is
    /// after its peer has closed, because there may be bytes to read.
    static func isConnected(_ descriptor: Int32) throws(SystemError) -> Bool {
        var storage = sockaddr()
        var length = socklen_t(MemoryLayout<sockaddr>.size)
        do {
            _ = try systemCall("getpeername") { unsafe getpeername(descriptor, &storage, &length) }
            return true
        } catch  where error.code == ENOTCONN {
            return false
        }
    }

    /// Whether a socket is a stream of the Unix domain. A descriptor that is no socket throws `ENOTSOCK`.
    static func isLocalStream(_ descriptor: Int32) throws(SystemError) -> Bool {
        guard try Socket.option(descriptor, SO_DOMAIN) == AF_UNIX else { return false }
        return try Socket.option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
    }

    /// Whether a descriptor is open, and is one end of a connected stream socket of any domain.
    static func isConnectedStream(_ descriptor: Int32) throws(SystemError) -> Bool {
        guard isOpen(descriptor), try FileStatus(of: descriptor).kind == .socket else { return false }
        guard try Socket.option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue) else { return false }
        return try isConnected(descriptor)
    }

    static func isListening(_ descriptor: Int32) throws(SystemError) -> Bool {
        try Socket.option(descriptor, SO_ACCEPTCONN) == 1
    }

    /// Sets `O_NONBLOCK`, which all processes share that share the open file description.
    static func stopBlocking(_ descriptor: Int32) throws(SystemError) {
        let flags = try systemCall("fcntl") { fcntl(descriptor, F_GETFL) }
        _ = try systemCall("fcntl") { fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
    }
}

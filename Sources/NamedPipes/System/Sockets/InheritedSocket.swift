// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Queries of a descriptor that a parent process left, and the calls that prepare it for our use.
enum InheritedSocket {
    /// Sets close-on-exec; false if the number is no open descriptor (`EBADF`).
    static func closeOnExec(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 }

    /// Whether a socket is a stream of the Unix domain. A descriptor that is no socket throws `ENOTSOCK`.
    static func isLocalStream(_ descriptor: Int32) throws(SystemError) -> Bool {
        guard try Socket.option(descriptor, SO_DOMAIN) == AF_UNIX else { return false }
        return try Socket.option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
    }

    static func isListening(_ descriptor: Int32) throws(SystemError) -> Bool {
        try Socket.option(descriptor, SO_ACCEPTCONN) == 1
    }

    static func stopBlocking(_ descriptor: Int32) throws(SystemError) {
        let flags = try systemCall("fcntl") { fcntl(descriptor, F_GETFL) }
        _ = try systemCall("fcntl") { fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
    }
}

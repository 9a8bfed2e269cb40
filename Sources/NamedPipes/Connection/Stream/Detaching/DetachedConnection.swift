// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A connection that has left its server: its socket, and the bytes that were read from it and not delivered.
///
/// ``PipeConnection/detach(_:)`` makes it. Any server of this or another thread can serve it, and its peer notices
/// nothing:
///
/// ```swift
/// try connection.detach { detached in
///     worker.reference.adopt(AcceptedConnection(detached))
/// }
/// ```
///
/// Another process can, too: it gets the descriptor (`SCM_RIGHTS`, unix(7)) and the bytes, and makes an
/// ``AcceptedConnection`` of both.
///
/// The value owns the descriptor. Where it goes out of scope without having been taken, the socket is closed.
public struct DetachedConnection: ~Copyable, Sendable {
    /// The credentials of the peer when the connection was made.
    public let peer: PeerCredentials

    /// The bytes that were read and not delivered, from the first byte of a message on: a partial message, or whole
    /// ones as well. They come before everything that lies in the socket.
    public let unreadBytes: [UInt8]

    let socket: OwnedDescriptor

    init(_ socket: consuming OwnedDescriptor, _ peer: PeerCredentials, unreadBytes: [UInt8]) {
        self.socket = socket
        self.peer = peer
        self.unreadBytes = unreadBytes
    }

    /// The number of the descriptor, which stays open as long as this value lives.
    public var descriptor: Int32 { socket.rawValue }

    /// Gives the descriptor away: the caller closes it. It is non-blocking, and closed on exec.
    public consuming func takeDescriptor() -> Int32 { socket.release() }
}

extension AcceptedConnection {
    /// A connection that another server has detached. The next server delivers its unread bytes first.
    public init(_ detached: consuming DetachedConnection) {
        self.init(detached.peer, detached.unreadBytes, detached.socket)
    }
}

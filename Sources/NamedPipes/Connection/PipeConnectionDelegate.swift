// SPDX-License-Identifier: Apache-2.0

/// Where everything that happens on a connection arrives: the same for servers and clients.
///
/// ## Thread
///
/// Every method is called on the reactor's thread, from the reactor's loop. None is ever called while another one runs,
/// and none inside a call that you make: closing or sending from a callback is reported by a later callback.
///
/// ## Order
///
/// For each connection:
///
/// 1. ``connectionDidOpen(_:)``, exactly once, first;
/// 2. ``connection(_:didReceive:)``, for each whole message, in the order in which the peer sent them, and
///    ``connectionDidDrain(_:)`` whenever there is room again; ``connection(_:didFailSendingWith:)``, at most once,
///    after which nothing drains any more;
/// 3. ``connectionDidFinishReceiving(_:)``, at most once, after the last message;
/// 4. ``connection(_:didCloseWith:)``, exactly once, last. Nothing follows.
///
/// A message that had arrived completely before the peer closed, died or reset the connection is delivered, unless the
/// connection was closed at this end first.
///
/// ## What may be done inside
///
/// Everything: send, close, abort, pause, resume, on this connection or any other, broadcast, stop the server or the
/// reactor, start another server. Only running the reactor (it is running) and blocking are out: while a callback runs,
/// nobody else is served.
///
/// ## Who holds whom
///
/// The server or client holds its delegate strongly until it has stopped, and lets go of it after the last callback.
/// Connections are held by the reactor until they end.
public protocol PipeConnectionDelegate: AnyObject {
    /// A client was accepted, or the server was reached. Messages can be sent. The default does nothing.
    func connectionDidOpen(_ connection: PipeConnection)

    /// One whole message arrived.
    ///
    /// - Parameters:
    ///   - connection: where it arrived.
    ///   - message: its bytes, without the framing's, in the buffer they were read into. They are valid during this
    ///     call only, which the compiler checks; copy what you keep: `[UInt8](copying: message)`,
    ///     `String(copying: message)`.
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>)

    /// The send queue had been above its high-water mark and has come down to the low one: there is room again. The
    /// default does nothing.
    func connectionDidDrain(_ connection: PipeConnection)

    /// The peer reads no more: a write failed (`EPIPE`), because the peer has shut its reading down (`shutdown(2)` with
    /// `SHUT_RD`) or is gone. What was queued has been let go, and its memory with it; `send` throws
    /// ``PipeError/notConnected`` from now on, and ``connectionDidDrain(_:)`` is not called any more.
    ///
    /// Messages still arrive. What goes on without an answer needs nothing here; a connection that is of no use now is
    /// closed with ``PipeConnection/close()``. If the peer says nothing either for
    /// ``PipeConnection/Configuration/writeStallDeadline``, the connection ends with ``DisconnectReason/outputFailed``.
    ///
    /// Called at most once, and not at all where the connection ends in the same turn, as it mostly does when the peer
    /// is gone: then ``connection(_:didCloseWith:)`` comes at once. The default does nothing.
    ///
    /// - Parameters:
    ///   - connection: where it happened.
    ///   - unsentMessageCount: how many messages had been taken by `send`, and not one byte of them left; one more may
    ///     have left in part (``PipeConnection/hasPartlySentMessage``). The connection says the same from now on.
    func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int)

    /// The peer has closed cleanly, or finished sending (`shutdown(2)`): after the last message, nothing more comes.
    /// The peer may still read.
    ///
    /// The default closes the connection, which first sends what is queued. To answer later, implement this, keep the
    /// connection, and call ``PipeConnection/close()`` when all is sent. Not called where the end came in the middle of
    /// a message or by an error.
    func connectionDidFinishReceiving(_ connection: PipeConnection)

    /// The connection has ended. Called exactly once, as the last of this connection. The default does nothing.
    ///
    /// `unsentMessageCount` of the connection says how many messages did not leave.
    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason)
}

extension PipeConnectionDelegate {
    /// Does nothing.
    public func connectionDidOpen(_ connection: PipeConnection) {}

    /// Does nothing.
    public func connectionDidDrain(_ connection: PipeConnection) {}

    /// Does nothing.
    public func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {}

    /// Closes the connection once what is queued is sent.
    public func connectionDidFinishReceiving(_ connection: PipeConnection) { connection.close() }

    /// Does nothing.
    public func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {}
}

// SPDX-License-Identifier: Apache-2.0

/// Receives everything that happens on a connection, of servers and clients alike.
///
/// ## Thread
///
/// Every method is called on the reactor's thread, from its loop. No method is called while another one runs, nor
/// inside a call that you make: the consequences of a call, such as an end, are reported by a later callback.
///
/// ## Order
///
/// For each connection:
///
/// 1. ``connectionDidOpen(_:)``, exactly once, first;
/// 2. ``connection(_:didReceive:)``, for each whole message, in the order in which the peer sent them, and
///    ``connectionDidDrain(_:)`` whenever there is room again; ``connection(_:didFailSendingWith:)``, at most once,
///    after which no drain is reported any more;
/// 3. ``connectionDidFinishReceiving(_:)``, at most once, after the last message;
/// 4. ``connection(_:didCloseWith:)``, exactly once, last. Nothing follows.
///
/// A message that had arrived completely before the peer closed, died or reset the connection is delivered, unless the
/// connection was closed at this end first.
///
/// ## What may be done inside
///
/// Everything: send, close, abort, pause, resume, on this connection or any other, broadcast, stop the server or the
/// reactor, start another server. There are two exceptions: do not run the reactor, which is running already, and do
/// not block, because no other connection is served while a callback runs.
///
/// ## Lifetime
///
/// The server or client retains its delegate until it has stopped, and releases it after the last callback. The reactor
/// retains connections until they end.
public protocol PipeConnectionDelegate: AnyObject {
    /// A client was accepted, or the server was reached. Messages can be sent. The default does nothing.
    func connectionDidOpen(_ connection: PipeConnection)

    /// One whole message arrived.
    ///
    /// - Parameters:
    ///   - connection: the connection on which it arrived.
    ///   - message: its bytes, without the framing's, in the buffer into which they were read. They are valid during
    ///     this call only, which the compiler checks. To keep them, copy them: `[UInt8](copying: message)`,
    ///     `String(copying: message)`; or call ``PipeConnection/keep(_:)``.
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>)

    /// One whole message arrived that came with file descriptors (``PipeConnection/Configuration/descriptors``). It
    /// takes the place of ``connection(_:didReceive:)`` for this message; messages without descriptors come there. The
    /// default calls that, and closes the descriptors.
    ///
    /// - Parameters:
    ///   - connection: the connection on which it arrived.
    ///   - message: its bytes; see ``connection(_:didReceive:)``.
    ///   - descriptors: as many as the message announced, at least one. Those that are left there are closed after the
    ///     call, on a thread of the library's. The peer chose the files: check the kind before you use one, and do not
    ///     call anything on the reactor's thread that can block.
    func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors)

    /// The send queue was above its high-water mark and has drained to the low-water mark: there is room again. The
    /// default does nothing.
    func connectionDidDrain(_ connection: PipeConnection)

    /// The output has failed: a write returned `EPIPE`, because the peer has shut its reading down (`shutdown(2)` with
    /// `SHUT_RD`) or is gone. The queue has been released with its memory. From now on, `send` throws
    /// ``PipeError/notConnected(_:)``, and ``connectionDidDrain(_:)`` is not called any more.
    ///
    /// Messages still arrive. A connection that need not answer them can go on; one that is useless now is closed with
    /// ``PipeConnection/close()``. If the peer sends nothing either for
    /// ``PipeConnection/Configuration/writeStallDeadline``, the connection ends with ``DisconnectReason/outputFailed``.
    ///
    /// Called at most once. It is not called if the connection ends in the same turn, which is usual when the peer is
    /// gone: only ``connection(_:didCloseWith:)`` is called then. The default does nothing.
    ///
    /// - Parameters:
    ///   - connection: the connection whose output failed.
    ///   - unsentMessageCount: the number of messages that `send` took, and of which not one byte was sent; one more
    ///     may have been sent in part (``PipeConnection/hasPartlySentMessage``). The properties of the connection say
    ///     the same from now on.
    func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int)

    /// The peer has closed cleanly, or finished sending (`shutdown(2)`): no more messages follow. The peer may still
    /// read.
    ///
    /// The default closes the connection, which sends the queue first. To answer later, implement this method, keep the
    /// connection, and call ``PipeConnection/close()`` when everything is sent. It is not called if the stream ended in
    /// the middle of a message or with an error.
    func connectionDidFinishReceiving(_ connection: PipeConnection)

    /// The connection has ended. Called exactly once, as the last callback of this connection. The default does
    /// nothing.
    ///
    /// ``PipeConnection/unsentMessageCount`` is the number of messages that were not sent.
    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason)
}

extension PipeConnectionDelegate {
    /// Does nothing.
    public func connectionDidOpen(_ connection: PipeConnection) {}

    /// Calls ``connection(_:didReceive:)``, and leaves the descriptors to be closed.
    public func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        self.connection(connection, didReceive: message)
    }

    /// Does nothing.
    public func connectionDidDrain(_ connection: PipeConnection) {}

    /// Does nothing.
    public func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {}

    /// Closes the connection, which sends the queue first.
    public func connectionDidFinishReceiving(_ connection: PipeConnection) { connection.close() }

    /// Does nothing.
    public func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {}
}

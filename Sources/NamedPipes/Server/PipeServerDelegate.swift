// SPDX-License-Identifier: Apache-2.0
public import PipeFraming

/// Receives the events of a server, in addition to those of its connections.
///
/// Thread, order and retention are those of ``PipeConnectionDelegate``. Only
/// ``PipeConnectionDelegate/connection(_:didReceive:)`` has to be written.
public protocol PipeServerDelegate: PipeConnectionDelegate {
    /// A client has connected that ``PipeServer/Configuration/accessPolicy`` admits, within the limits: should it be
    /// accepted? Asked once for each such client, before a byte is read and before `connectionDidOpen`. The default
    /// returns true.
    ///
    /// - Parameters:
    ///   - server: the server.
    ///   - peer: the client's credentials at the moment of connecting (`SO_PEERCRED`).
    /// - Returns: false to close the connection unread.
    func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool

    /// A client was refused: closed unread. The default does nothing.
    ///
    /// A log of these calls cannot be flooded: there are at most ten a second for each reason, and one a second at the
    /// limit of descriptors. The report says how many refusals it stands for; ``PipeServer/Statistics/refusedCounts``
    /// counts all.
    func server(_ server: PipeServer, didRefuse report: RefusalReport)

    /// No client can be accepted: there are no descriptors, there is no memory, or a security module forbids it. The
    /// server pauses accepting for a moment, and waiting clients stay in the kernel's queue. Called at most once a
    /// second.
    ///
    /// Or no client can ever be accepted again, because another process has shut the shared socket down (`EINVAL`) or a
    /// sandbox forbids the call (`ENOSYS`). Then the name is given up, ``PipeServer/isListening`` is false from now on,
    /// and the connections continue until they end or the server is stopped. A server with several inherited listeners
    /// continues with the others. The default does nothing.
    ///
    /// - Parameters:
    ///   - server: the server.
    ///   - error: the error of `accept4(2)`.
    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError)

    /// Clients do not find the server at its name any more. Called within ten seconds, in most cases at once.
    ///
    /// After ``NameLoss/takenOver(processID:)`` the server accepts clients that are on their way to it, for a second,
    /// and then stops as ``PipeServer/stop(gracePeriod:)`` does, with ``PipeServer/Configuration/handOverGrace``. After
    /// all other losses it continues to serve its connections. The default does nothing.
    ///
    /// - Parameters:
    ///   - server: the server.
    ///   - loss: how the name was lost.
    func server(_ server: PipeServer, didLoseName loss: NameLoss)

    /// The name is lost, and an attempt to publish it again (``PipeServer/NameLossPolicy/republish``) has failed. The
    /// server tries every ten seconds, and calls this when the first attempt fails and whenever the reason changes. The
    /// default does nothing.
    ///
    /// - Parameters:
    ///   - server: the server; it continues to serve its connections.
    ///   - error: the reason: ``PipeError/addressInUse(_:holder:)``, ``PipeError/unusableLocation(path:_:)`` or
    ///     ``PipeError/system(_:)``.
    func server(_ server: PipeServer, didFailToRepublish error: PipeError)

    /// Clients find the server again: the name was published anew (``PipeServer/NameLossPolicy/republish``), or another
    /// process has restored it. The default does nothing.
    func serverDidRegainName(_ server: PipeServer)

    /// A FIFO brought bytes that are no message, such as a line that is too long. They are skipped, to the next
    /// delimiter, and the connection goes on. With a framing without delimiters, the connection ends with
    /// ``DisconnectReason/framing(_:)`` instead, and another one follows. The default does nothing.
    func server(_ server: PipeServer, didSkip error: FramingError)

    /// The server has stopped: its name is given up and every connection has had its `didCloseWith`. Called exactly
    /// once, as the last callback. The default does nothing.
    func serverDidStop(_ server: PipeServer)
}

extension PipeServerDelegate {
    /// Accepts every client.
    public func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool { true }

    /// Does nothing.
    public func server(_ server: PipeServer, didRefuse report: RefusalReport) {}

    /// Does nothing.
    public func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {}

    /// Does nothing.
    public func server(_ server: PipeServer, didLoseName loss: NameLoss) {}

    /// Does nothing.
    public func server(_ server: PipeServer, didFailToRepublish error: PipeError) {}

    /// Does nothing.
    public func serverDidRegainName(_ server: PipeServer) {}

    /// Does nothing.
    public func server(_ server: PipeServer, didSkip error: FramingError) {}

    /// Does nothing.
    public func serverDidStop(_ server: PipeServer) {}
}

// SPDX-License-Identifier: Apache-2.0

/// Where everything that happens to a server arrives, beside what happens on its connections.
///
/// Thread, order and retention are those of ``PipeConnectionDelegate``. Only
/// ``PipeConnectionDelegate/connection(_:didReceive:)`` has to be written.
public protocol PipeServerDelegate: PipeConnectionDelegate {
    /// Somebody has connected whom ``PipeServer/Configuration/accessPolicy`` admits, within the limits: let them in?
    /// Asked once for each such client, before a byte is read and before `connectionDidOpen`. The default says true.
    ///
    /// - Parameters:
    ///   - server: the server.
    ///   - peer: who it was at the moment of connecting (`SO_PEERCRED`).
    /// - Returns: false to close the connection unread.
    func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool

    /// A client was turned away: closed unread. The default does nothing.
    ///
    /// A log that takes this cannot be flooded: it is called at most ten times a second for each reason,
    /// and once a second at the limit of descriptors. The report tells how many it stands for;
    /// ``PipeServer/Statistics/refusedCounts`` counts all.
    func server(_ server: PipeServer, didRefuse report: RefusalReport)

    /// Nobody can be accepted: there are no descriptors, there is no memory, or a security module says no. The server
    /// pauses accepting for a moment, and those who wait stay in the kernel's queue; this is told at most once a
    /// second.
    ///
    /// Or nobody can ever be accepted again, because another process has shut the shared socket down (`EINVAL`) or a
    /// sandbox forbids the call (`ENOSYS`). Then the name is given up, ``PipeServer/isListening`` is false from now on,
    /// and the connections go on until they end or the server is stopped. The default does nothing.
    ///
    /// - Parameters:
    ///   - server: the server.
    ///   - error: what `accept4(2)` said.
    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError)

    /// Clients do not find the server at its name any more. Told within seconds, in most cases at once.
    ///
    /// After ``NameLoss/takenOver(processID:)`` the server accepts clients that are on the way to it, for a second, and
    /// then does as ``PipeServer/stop(gracePeriod:)``, with ``PipeServer/Configuration/handOverGrace``. After the
    /// others it goes on with the connections that it has. The default does nothing.
    ///
    /// - Parameters:
    ///   - server: the server.
    ///   - loss: what happened to the name.
    func server(_ server: PipeServer, didLoseName loss: NameLoss)

    /// The name is lost, was to be published again (``PipeServer/NameLossPolicy/republish``), and could not be. It is
    /// tried every ten seconds, and told when it fails first and when it fails for another reason than before. The
    /// default does nothing.
    ///
    /// - Parameters:
    ///   - server: the server; it goes on with the connections that it has.
    ///   - error: why: ``PipeError/addressInUse(_:holder:)``, ``PipeError/unusableLocation(path:_:)`` or
    ///     ``PipeError/system(_:)``.
    func server(_ server: PipeServer, didFailToRepublish error: PipeError)

    /// Clients find the server again: the name was published anew (``PipeServer/NameLossPolicy/republish``), or
    /// somebody has put it back. The default does nothing.
    func serverDidRegainName(_ server: PipeServer)

    /// The server has stopped: its name is given up and every connection has had its `didCloseWith`. Called exactly
    /// once, last of all. The default does nothing.
    func serverDidStop(_ server: PipeServer)
}

extension PipeServerDelegate {
    /// Lets everybody in who got so far.
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
    public func serverDidStop(_ server: PipeServer) {}
}

// SPDX-License-Identifier: Apache-2.0

/// Where everything that happens to a server arrives, beside what happens on its connections.
///
/// Thread, order and retention are those of ``PipeConnectionDelegate``. Only
/// ``PipeConnectionDelegate/connection(_:didReceive:)`` has to be written.
public protocol PipeServerDelegate: PipeConnectionDelegate {
    /// Somebody has connected: let them in? Asked once for each client, before a byte is read and before
    /// `connectionDidOpen`. The default says true.
    ///
    /// - Parameters:
    ///   - server: the server.
    ///   - peer: who it was at the moment of connecting (`SO_PEERCRED`).
    /// - Returns: false to close the connection unread.
    func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool

    /// A client could not be accepted, for want of descriptors or memory. The server goes on: it pauses accepting for a
    /// moment, and those who wait stay in the kernel's queue. The default does nothing.
    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError)

    /// The server has stopped: its name is given up and every connection has had its `didCloseWith`. Called exactly once,
    /// last of all. The default does nothing.
    func serverDidStop(_ server: PipeServer)
}

extension PipeServerDelegate {
    /// Lets everybody in whom the name's permissions let through.
    public func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool { true }

    /// Does nothing.
    public func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {}

    /// Does nothing.
    public func serverDidStop(_ server: PipeServer) {}
}

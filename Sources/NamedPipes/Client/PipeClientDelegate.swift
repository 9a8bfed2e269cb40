// SPDX-License-Identifier: Apache-2.0

/// Receives the events of a client, in addition to those of its connection.
///
/// Thread, order and retention are those of ``PipeConnectionDelegate``; the client releases its delegate when
/// ``PipeClient/disconnect()`` is complete. Only ``PipeConnectionDelegate/connection(_:didReceive:)`` has to be
/// written.
public protocol PipeClientDelegate: PipeConnectionDelegate {
    /// The client's state has changed. Called for every change, in order: `connected` just before `connectionDidOpen`,
    /// and the state that follows a lost connection just after its `didCloseWith`. The default does nothing.
    func client(_ client: PipeClient, didChangeTo state: PipeClient.State)

    /// No connection was established, and the client has stopped trying; it is idle, and may be told to connect again.
    /// The default does nothing.
    ///
    /// - Parameters:
    ///   - client: the client.
    ///   - error: ``PipeError/noServer(_:)``, ``PipeError/accessDenied(_:)``, ``PipeError/backlogFull(_:)``,
    ///     ``PipeError/peerRefused(_:)``, ``PipeError/cannotStart(program:_:)``, ``PipeError/timedOut`` or
    ///     ``PipeError/system(_:)``.
    func client(_ client: PipeClient, didFailToConnectWith error: PipeError)

    /// An attempt to restore a lost connection has failed, and another one follows
    /// (``PipeClient/Configuration/reconnection``). Called for each such attempt, before the client is
    /// ``PipeClient/State/waitingToReconnect(after:)``. After the last attempt, ``client(_:didFailToConnectWith:)`` is
    /// called instead. The default does nothing.
    ///
    /// - Parameters:
    ///   - client: the client; ``PipeClient/disconnect()`` ends the attempts.
    ///   - error: as in ``client(_:didFailToConnectWith:)``, but never ``PipeError/peerRefused(_:)``, after
    ///     which the client does not try again.
    func client(_ client: PipeClient, didFailToReconnectWith error: PipeError)
}

extension PipeClientDelegate {
    /// Does nothing.
    public func client(_ client: PipeClient, didChangeTo state: PipeClient.State) {}

    /// Does nothing.
    public func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {}

    /// Does nothing.
    public func client(_ client: PipeClient, didFailToReconnectWith error: PipeError) {}
}

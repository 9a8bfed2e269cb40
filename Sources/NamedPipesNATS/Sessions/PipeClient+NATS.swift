// SPDX-License-Identifier: Apache-2.0
#if NATS
public import NamedPipes

extension PipeClient {
    /// Makes a client of the servers at a name of a broker. Nothing happens until `connect()`, which asks for a
    /// session with one of them.
    ///
    /// The delegate, the framing, the queue and the reconnection are those of a client of a local name. A server of the
    /// group that is lost ends the connection with `DisconnectReason.sessionLost`, and the next attempt finds
    /// another one.
    ///
    /// Without `waitsForServer`, it fails with `PipeError.noServer` if the group is empty, and with
    /// `PipeError.linkFailed` if the link is not connected. With it, it waits for both.
    ///
    /// - Parameters:
    ///   - name: the name.
    ///   - configuration: the default is a 4-byte length framing, 5 s to connect, no waiting and no reconnection. No
    ///     `requiredPeer` other than `anyUser` is ever met, because a broker does not name users.
    ///   - delegate: receives all callbacks; retained until the client is disconnected.
    public convenience init(
        connectingTo name: NATSName, configuration: Configuration = Configuration(), delegate: any PipeClientDelegate
    ) {
        self.init(
            address: name.shownAddress, configuration: configuration, reactor: name.link.reactor, delegate: delegate)
        dial = { [weak self] _ in
            guard let self else { return .queueFull }
            return SessionDial(name.link, self, name).begin()
        }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if NATS
public import NamedPipes

/// The other end of a session, as far as a broker tells: not at all.
///
/// A broker authenticates connections, not senders. Whoever may publish to a server's subject may open a session, and
/// is whoever the broker's permissions for that subject let in. So this is never an identity, and
/// `PipeConnection.peer` of such a connection is `PeerCredentials.unknown`.
public struct NATSPeer: Hashable, Sendable {
    /// What the other end calls itself, ``NATSLink/Configuration/name``, in at most 256 bytes. A claim, for logs only;
    /// it may contain anything.
    public let claimedName: String

    /// The session, as this end names it, in 32 hexadecimal digits. Whoever knows it and may use the broker can write
    /// into the session, so it does not belong into a log that others read.
    public let session: String

    /// Creates a value, for tests of code that uses it.
    ///
    /// - Parameters:
    ///   - claimedName: what the other end calls itself.
    ///   - session: the session.
    public init(claimedName: String, session: String) {
        self.claimedName = claimedName
        self.session = session
    }
}

extension PipeConnection {
    /// The other end, if this connection is a session over a link; nil for all others.
    public var natsPeer: NATSPeer? { (transport as? NATSSession)?.peer }
}
#endif

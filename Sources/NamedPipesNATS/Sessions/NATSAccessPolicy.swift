// SPDX-License-Identifier: Apache-2.0
#if NATS
/// Which clients a server admits that come over a link.
///
/// The broker's permissions decide who can reach the server's subject at all. This policy decides beside them, and the
/// settings of a server for users (``NATSPeer``) do not apply.
public struct NATSAccessPolicy {
    let admits: (NATSPeer) -> Bool

    /// No client. The default of a server, so that serving beyond the machine is a decision that its owner writes down.
    public static var nobody: NATSAccessPolicy { NATSAccessPolicy { _ in false } }

    /// Every client that the broker lets publish to the server's subject.
    public static var everyone: NATSAccessPolicy { NATSAccessPolicy { _ in true } }

    /// The clients for which a function returns true. All that it is given is what the client says of itself.
    ///
    /// - Parameter admits: called on the reactor's thread, once for each client.
    public static func `where`(_ admits: @escaping (NATSPeer) -> Bool) -> NATSAccessPolicy {
        NATSAccessPolicy(admits: admits)
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if Authkey

/// The reason why a handshake failed.
@nonexhaustive
public enum AuthkeyError: Error, Hashable, Sendable {
    /// The peer's response is not that of our key.
    case wrongKey

    /// The peer says that our response is not that of its key.
    case rejectedByPeer

    /// The peer uses HMAC-MD5, which ``AuthkeyDigest/sha256`` does not accept.
    case weakDigest

    /// The peer names a digest other than MD5 and SHA-256, or none where one is needed.
    case unsupportedDigest

    /// The peer sent something that is not the next message of the handshake.
    case unexpectedMessage

    /// The connection ended, or the peer finished sending, in the middle of the handshake.
    case incomplete
}

extension AuthkeyError: CustomStringConvertible {
    /// One line for a log or a person.
    public var description: String {
        switch self {
        case .wrongKey: "the peer has another authkey"
        case .rejectedByPeer: "the peer does not accept our authkey"
        case .weakDigest: "the peer authenticates with MD5, which is not accepted here"
        case .unsupportedDigest: "the peer authenticates with a digest that is not supported"
        case .unexpectedMessage: "the peer does not speak the authkey handshake"
        case .incomplete: "the connection ended before the handshake was complete"
        }
    }
}
#endif

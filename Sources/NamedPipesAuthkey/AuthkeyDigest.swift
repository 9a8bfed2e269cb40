// SPDX-License-Identifier: Apache-2.0
#if Authkey
internal import Crypto

/// The weakest digest that an end of the handshake uses and accepts.
public enum AuthkeyDigest: Hashable, Sendable {
    /// HMAC-MD5, which every Python understands, and the only one that Python up to 3.11 does. A challenge with SHA-256
    /// is answered with that all the same.
    case md5

    /// HMAC-SHA-256, as Python 3.12 and later. A peer that knows only MD5 is refused.
    case sha256
}

extension AuthkeyDigest {
    /// The code of a message, and nothing around it.
    func code(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        let key = SymmetricKey(data: key)
        switch self {
        case .md5: return Array(HMAC<Insecure.MD5>.authenticationCode(for: message, using: key))
        case .sha256: return Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
        }
    }

    /// Whether a code is that of the message. Takes the same time for every wrong code of the right length.
    func isValid(_ code: some Collection<UInt8>, of message: [UInt8], key: [UInt8]) -> Bool {
        let key = SymmetricKey(data: key)
        switch self {
        case .md5: return HMAC<Insecure.MD5>.isValidAuthenticationCode(Array(code), authenticating: message, using: key)
        case .sha256: return HMAC<SHA256>.isValidAuthenticationCode(Array(code), authenticating: message, using: key)
        }
    }
}
#endif

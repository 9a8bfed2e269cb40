// SPDX-License-Identifier: Apache-2.0
#if Authkey

// The messages of the handshake, each a whole message of the connection:
//
//     challenge   #CHALLENGE#, then 20 random bytes; since 3.12 {sha256} and 40 random bytes
//     response    16 bytes of HMAC-MD5; since 3.12 {sha256} and 32 bytes
//     verdict     #WELCOME# or #FAILURE#
//
// The code is that of the challenge without #CHALLENGE#, so that it covers the name of the digest as well.

enum AuthkeyMessage {
    static let challenge = Array("#CHALLENGE#".utf8)
    static let welcome = Array("#WELCOME#".utf8)
    static let failure = Array("#FAILURE#".utf8)

    /// As Python, which reads no longer ones.
    static let maximumByteCount = 256

    static let md5ChallengeByteCount = 20
    static let sha256ChallengeByteCount = 40
    private static let md5ByteCount = 16
    private static let sha256Name = Array("{sha256}".utf8)
    private static let md5Name = Array("{md5}".utf8)

    /// What a challenge asks to be digested: the name of its digest, if it has one, and random bytes.
    static func nonce(for digest: AuthkeyDigest, using generator: inout some RandomNumberGenerator) -> [UInt8] {
        switch digest {
        case .md5: random(md5ChallengeByteCount, using: &generator)
        case .sha256: sha256Name + random(sha256ChallengeByteCount, using: &generator)
        }
    }

    private static func random(_ count: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Splits a challenge or a response into the name of its digest and the rest.
    static func split(_ body: [UInt8]) throws(AuthkeyError) -> (digest: AuthkeyDigest, isNamed: Bool, rest: [UInt8]) {
        // First, because random bytes may begin like a name.
        if body.count == md5ByteCount || body.count == md5ChallengeByteCount { return (.md5, false, body) }
        if body.starts(with: sha256Name) { return (.sha256, true, Array(body.dropFirst(sha256Name.count))) }
        if body.starts(with: md5Name) { return (.md5, true, Array(body.dropFirst(md5Name.count))) }
        throw .unsupportedDigest
    }

    /// The response to a challenge.
    static func response(
        to nonce: [UInt8], key: [UInt8], weakest: AuthkeyDigest
    ) throws(AuthkeyError) -> [UInt8] {
        guard nonce.count >= md5ChallengeByteCount else { throw .unexpectedMessage }
        let (digest, isNamed, _) = try split(nonce)
        guard digest == .sha256 || weakest == .md5 else { throw .weakDigest }
        let code = digest.code(of: nonce, key: key)
        guard isNamed else { return code }
        return (digest == .sha256 ? sha256Name : md5Name) + code
    }

    /// Checks a response to our challenge.
    static func check(
        _ response: [UInt8], to nonce: [UInt8], key: [UInt8], weakest: AuthkeyDigest
    ) throws(AuthkeyError) {
        let (digest, _, code) = try split(response)
        guard digest == .sha256 || weakest == .md5 else { throw .weakDigest }
        guard digest.isValid(code, of: nonce, key: key) else { throw .wrongKey }
    }
}
#endif

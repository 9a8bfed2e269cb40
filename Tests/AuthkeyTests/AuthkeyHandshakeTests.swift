// SPDX-License-Identifier: Apache-2.0
#if Authkey
@testable import NamedPipesAuthkey
import Testing

private let key = Array("a secret".utf8)

/// Passes messages between two ends until neither has anything to say; returns the error of each.
private func run(
    _ listener: inout AuthkeyHandshake, _ client: inout AuthkeyHandshake
) -> (listener: AuthkeyError?, client: AuthkeyError?) {
    var errors: (listener: AuthkeyError?, client: AuthkeyError?)
    var toClient = listener.begin()
    var toListener = client.begin()
    while !toClient.isEmpty || !toListener.isEmpty {
        let steps = toClient.map { client.receive($0.span) }
        toClient = []
        toListener += steps.flatMap(\.messages)
        errors.client = errors.client ?? steps.compactMap(\.error).first
        let answers = toListener.map { listener.receive($0.span) }
        toListener = []
        toClient += answers.flatMap(\.messages)
        errors.listener = errors.listener ?? answers.compactMap(\.error).first
    }
    return errors
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

@Suite struct `The authkey handshake` {
    @Test(arguments: [AuthkeyDigest.md5, .sha256], [AuthkeyDigest.md5, .sha256])
    func `succeeds between ends with one key, unless one of them has only a digest that is too weak`(
        ours: AuthkeyDigest, its: AuthkeyDigest
    ) {
        var listener = AuthkeyHandshake(as: .listener, key: key, digest: ours)
        var client = AuthkeyHandshake(as: .client, key: key, digest: its)
        let errors = run(&listener, &client)
        if ours == its {
            #expect(errors.listener == nil && errors.client == nil)
            #expect(listener.isComplete && client.isComplete)
        } else {
            #expect([errors.listener, errors.client].contains(.weakDigest))
            #expect(!(listener.isComplete && client.isComplete))
        }
    }

    @Test(arguments: [AuthkeyDigest.md5, .sha256])
    func `fails at both ends if the keys differ`(digest: AuthkeyDigest) {
        var listener = AuthkeyHandshake(as: .listener, key: key, digest: digest)
        var client = AuthkeyHandshake(as: .client, key: key + [1], digest: digest)
        let errors = run(&listener, &client)
        #expect(errors.listener == .wrongKey)
        #expect(errors.client == .rejectedByPeer)
        #expect(!listener.isComplete && !client.isComplete)
    }

    @Test func `computes the codes of RFC 2202 and RFC 4231`() {
        let jefe = Array("Jefe".utf8)
        let question = Array("what do ya want for nothing?".utf8)
        #expect(hexadecimal(AuthkeyDigest.md5.code(of: question, key: jefe)) == "750c783e6ab0b503eaa86e310a5db738")
        #expect(
            hexadecimal(AuthkeyDigest.sha256.code(of: question, key: jefe))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    /// The documented form since 3.12: the code covers the name of the digest, which the response repeats.
    @Test func `answers a named challenge with a named response`() throws {
        var client = AuthkeyHandshake(as: .client, key: key)
        let nonce = Array("{sha256}".utf8) + [UInt8](repeating: 7, count: 40)
        let step = client.receive((Array("#CHALLENGE#".utf8) + nonce).span)
        #expect(step.messages == [Array("{sha256}".utf8) + AuthkeyDigest.sha256.code(of: nonce, key: key)])
        #expect(step.error == nil)
        let challenge = try #require(client.receive(Array("#WELCOME#".utf8).span).messages.first)
        #expect(challenge.starts(with: Array("#CHALLENGE#{sha256}".utf8)))
        #expect(challenge.count == 11 + 8 + 40)
        #expect(!client.isComplete)
    }

    @Test(arguments: [
        ("", AuthkeyError.unexpectedMessage), ("#WELCOME#", .unexpectedMessage), ("#CHALLENGE#", .unexpectedMessage),
        ("#CHALLENGE#{sha3_384}0123456789012345678901234567890123456789", .unsupportedDigest),
        ("#CHALLENGE#01234567890123456789", .weakDigest),
        ("#CHALLENGE#{sha256}" + String(repeating: "x", count: 256), .unexpectedMessage),
    ])
    func `refuses what is not a challenge that it knows`(text: String, error: AuthkeyError) {
        var client = AuthkeyHandshake(as: .client, key: key)
        #expect(client.receive(Array(text.utf8).span) == AuthkeyHandshake.Step(error: error))
        #expect(client.receive(Array("#WELCOME#".utf8).span).error == .unexpectedMessage)
        #expect(!client.isComplete)
    }

    @Test(arguments: ["", "{sha256}", "0123456789012345", "{sha256}01234567890123456789012345678901", "#WELCOME#"])
    func `tells a peer with a wrong response, and accepts no more of it`(text: String) {
        var listener = AuthkeyHandshake(as: .listener, key: key)
        _ = listener.begin()
        let step = listener.receive(Array(text.utf8).span)
        #expect(step.messages == [Array("#FAILURE#".utf8)])
        #expect(step.error != nil)
        #expect(listener.receive(Array("#CHALLENGE#".utf8).span).error == .unexpectedMessage)
    }

    @Test func `never challenges with the same bytes twice`() {
        let challenges = (0..<100).map { _ in
            var listener = AuthkeyHandshake(as: .listener, key: key)
            return listener.begin()
        }
        #expect(Set(challenges).count == 100)
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if Authkey
internal import NamedPipes

/// The handshake of Python's `multiprocessing.connection` with an `authkey`: both ends prove that they know the same
/// secret, which does not go over the connection.
///
/// A value that gets the peer's messages and says which ones to send, for every kind of delegate. Async code calls
/// `AsyncPipeConnection.authenticate(as:key:digest:)`.
///
/// ```swift
/// var handshake = AuthkeyHandshake(as: .listener, key: key)
/// for message in handshake.begin() { try connection.send(message) }
/// // and in connection(_:didReceive:), until it is complete:
/// let step = handshake.receive(message)
/// for message in step.messages { try connection.send(message) }
/// if let error = step.error { connection.close() }
/// ```
///
/// ```
///     listener                     client
///        │ ─────── challenge ───────▶ │
///        │ ◀────── response ───────── │
///        │ ─────── welcome ─────────▶ │
///        │ ◀────── challenge ──────── │
///        │ ─────── response ────────▶ │
///        │ ◀────── welcome ────────── │
/// ```
///
/// It says nothing about who the peer is, and later messages are neither signed nor encrypted. On one machine, an
/// `AccessPolicy` decides better: the kernel vouches for the user.
public struct AuthkeyHandshake: Sendable {
    /// The end of the connection, as Python names it.
    public enum Role: Hashable, Sendable {
        /// Has accepted the connection, and challenges first.
        case listener
        /// Has made the connection, and answers first.
        case client
    }

    /// What follows from one message of the peer.
    public struct Step: Hashable, Sendable {
        /// The messages to send now, in this order; also after an error, before the connection is closed.
        public var messages: [[UInt8]] = []

        /// The reason why the handshake has failed; nil if it goes on or is complete.
        public var error: AuthkeyError?
    }

    private enum State {
        case awaitingChallenge
        case awaitingVerdict
        case awaitingResponse(to: [UInt8])
        case over
    }

    private let role: Role
    private let key: [UInt8]
    private let digest: AuthkeyDigest
    private var state = State.awaitingChallenge

    /// Whether both ends have proved that they know the key.
    public private(set) var isComplete = false

    /// Creates a handshake.
    ///
    /// - Parameters:
    ///   - role: which end this is.
    ///   - key: the secret, the bytes of Python's `authkey`.
    ///   - digest: the weakest digest to use and to accept. The default is SHA-256, which needs Python 3.12 at the
    ///     other end.
    public init(as role: Role, key: [UInt8], digest: AuthkeyDigest = .sha256) {
        self.role = role
        self.key = key
        self.digest = digest
    }

    /// Begins. Called once, before any message of the peer is passed on.
    ///
    /// - Returns: the messages to send: a listener's challenge.
    public mutating func begin() -> [[UInt8]] { role == .listener ? [challenge()] : [] }

    /// Passes the peer's next message on. None may follow once the handshake is complete or has failed.
    public mutating func receive(_ message: Span<UInt8>) -> Step {
        do throws(AuthkeyError) {
            guard message.count <= AuthkeyMessage.maximumByteCount else { throw .unexpectedMessage }
            return Step(messages: try answer(to: [UInt8](copying: message)))
        } catch {
            let isJudged = if case .awaitingResponse = state { true } else { false }
            state = .over
            return Step(messages: isJudged ? [AuthkeyMessage.failure] : [], error: error)
        }
    }

    private mutating func answer(to message: [UInt8]) throws(AuthkeyError) -> [[UInt8]] {
        switch state {
        case .awaitingChallenge:
            guard message.starts(with: AuthkeyMessage.challenge) else { throw .unexpectedMessage }
            let nonce = Array(message.dropFirst(AuthkeyMessage.challenge.count))
            let response = try AuthkeyMessage.response(to: nonce, key: key, weakest: digest)
            state = .awaitingVerdict
            return [response]
        case .awaitingVerdict:
            try checkVerdict(message)
            return role == .client ? [challenge()] : complete([])
        case .awaitingResponse(let nonce):
            try AuthkeyMessage.check(message, to: nonce, key: key, weakest: digest)
            state = .awaitingChallenge
            return role == .client ? complete([AuthkeyMessage.welcome]) : [AuthkeyMessage.welcome]
        case .over:
            throw .unexpectedMessage
        }
    }

    private func checkVerdict(_ message: [UInt8]) throws(AuthkeyError) {
        if message == AuthkeyMessage.failure { throw .rejectedByPeer }
        guard message == AuthkeyMessage.welcome else { throw .unexpectedMessage }
    }

    private mutating func challenge() -> [UInt8] {
        var generator = SystemRandom()
        let nonce = AuthkeyMessage.nonce(for: digest, using: &generator)
        state = .awaitingResponse(to: nonce)
        return AuthkeyMessage.challenge + nonce
    }

    private mutating func complete(_ messages: [[UInt8]]) -> [[UInt8]] {
        state = .over
        isComplete = true
        return messages
    }
}
#endif

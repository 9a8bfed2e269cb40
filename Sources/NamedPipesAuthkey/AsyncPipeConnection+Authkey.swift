// SPDX-License-Identifier: Apache-2.0
#if Authkey
public import NamedPipes

extension AsyncPipeConnection {
    /// Runs the handshake of Python's `multiprocessing.connection` with an `authkey`, before any other message.
    ///
    /// ```swift
    /// try await PipeServer.serve(at: address) { connection in
    ///     try await connection.authenticate(as: .listener, key: key)
    ///     for try await message in connection.messages { … }
    /// }
    /// ```
    ///
    /// There is no time limit of its own: a peer that sends nothing is ended by `idleLimit`, or by cancelling the task.
    ///
    /// - Parameters:
    ///   - role: which end this is.
    ///   - key: the secret, the bytes of Python's `authkey`.
    ///   - digest: the weakest digest to use and to accept. The default is SHA-256, which needs Python 3.12 at the
    ///     other end.
    /// - Throws: ``AuthkeyError``, after the peer has been told; the errors of `send` and `messages`. The caller ends
    ///   the connection, as the return of a handler does.
    public nonisolated(nonsending) func authenticate(
        as role: AuthkeyHandshake.Role, key: [UInt8], digest: AuthkeyDigest = .sha256
    ) async throws {
        var handshake = AuthkeyHandshake(as: role, key: key, digest: digest)
        for message in handshake.begin() { try await send(message) }
        var received = messages.makeAsyncIterator()
        while !handshake.isComplete {
            guard let message = try await received.next() else { throw AuthkeyError.incomplete }
            let step = message.withBytes { handshake.receive($0) }
            for message in step.messages { try await send(message) }
            if let error = step.error { throw error }
        }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

extension ReactorReference<PipeServer> {
    /// Sends one message to all connections in a group of the server, and waits for the outcome, not for the peers.
    /// From any task; see ``PipeServer/publish(_:to:except:)-([UInt8],_,_)``.
    ///
    /// ```swift
    /// let reference = server.reference
    /// Task { try await reference.publish("rain", to: "Berlin") }
    /// ```
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - group: the group whose members get it. A group without members is not an error.
    ///   - excluded: a connection that does not get it. The default is none.
    /// - Returns: how many connections took it, and which refused it.
    /// - Throws: ``PipeError/notListening`` if the server or its reactor has ended;
    ///   ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``. In these cases no member gets
    ///   it.
    @discardableResult
    public func publish(
        _ message: [UInt8], to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) async throws(PipeError) -> PipeServer.BroadcastOutcome {
        try await ask { server throws(PipeError) in try server.publish(message, to: group, except: excluded) }
    }

    /// Sends the UTF-8 bytes of a text to all connections in a group of the server; see `publish(_:to:except:)` of
    /// bytes.
    @discardableResult
    public func publish(
        _ message: String, to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) async throws(PipeError) -> PipeServer.BroadcastOutcome {
        try await publish(Array(message.utf8), to: group, except: excluded)
    }

    private func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (PipeServer) throws(PipeError) -> Answer
    ) async throws(PipeError) -> Answer {
        let result: Result<Answer, PipeError> = unsafe await withUnsafeContinuation { continuation in
            let submission = Submission(orElse: .notListening) { unsafe continuation.resume(returning: $0) }
            perform { server in submission.finish(Result { () throws(PipeError) in try question(server) }) }
        }
        return try result.get()
    }
}

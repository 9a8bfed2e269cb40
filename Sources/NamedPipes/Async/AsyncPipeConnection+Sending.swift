// SPDX-License-Identifier: Apache-2.0

extension AsyncPipeConnection {
    /// Sends one message. It leaves with the others of this turn of the loop, in one write.
    ///
    /// While more than ``PipeConnection/Configuration/highWaterMark`` is queued, this waits until the peer has taken
    /// enough. Tasks that wait send in the order in which they came, and one that comes later sends after them all.
    /// Cancelled meanwhile, a wait ends at once with `CancellationError`, and the message was not accepted.
    ///
    /// - Parameter message: its bytes, at most the framing's maximum.
    /// - Returns: what became of it; only a ``PipeConnection/SlowReaderPolicy`` that drops makes that worth a look.
    /// - Throws: ``PipeError/disconnected(_:)``, ``PipeError/notConnected``,
    ///   ``PipeError/messageTooLarge(byteCount:limit:)``, ``PipeError/sendQueueFull(limit:)`` or
    ///   ``PipeError/framing(_:)``; `CancellationError`. Nothing of the message was sent then.
    @discardableResult
    public nonisolated(nonsending) func send(_ message: [UInt8]) async throws -> PipeConnection.SendVerdict {
        if executor.isCurrent, unsafe state.canSendAtOnce {
            return try unsafe state.send { connection throws(PipeError) in try connection.send(message) }
        }
        return try await sendOnReactor { connection throws(PipeError) in try connection.send(message) }
    }

    /// Sends a message that was received or kept; see ``send(_:)-([UInt8])``. A large one leaves from where it lies.
    @discardableResult
    public nonisolated(nonsending) func send(_ message: PipeMessage) async throws -> PipeConnection.SendVerdict {
        if executor.isCurrent, unsafe state.canSendAtOnce {
            return try unsafe state.send { connection throws(PipeError) in try connection.send(message) }
        }
        return try await sendOnReactor { connection throws(PipeError) in try connection.send(message) }
    }

    /// Sends the UTF-8 bytes of a text as one message; see ``send(_:)-([UInt8])``.
    @discardableResult
    public nonisolated(nonsending) func send(_ message: String) async throws -> PipeConnection.SendVerdict {
        if executor.isCurrent, unsafe state.canSendAtOnce {
            return try unsafe state.send { connection throws(PipeError) in try connection.send(message) }
        }
        return try await sendOnReactor { connection throws(PipeError) in try connection.send(message) }
    }

    /// Whether `send` would not wait, as far as the caller can know that: on the reactor's thread.
    package nonisolated var canSendAtOnce: Bool { executor.isCurrent && (unsafe state.canSendAtOnce) }

    private nonisolated(nonsending) func sendOnReactor(
        _ body: @Sendable (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict
    ) async throws -> PipeConnection.SendVerdict {
        if executor.isCurrent { return try await sendInTurn(body) }
        return try await sendFromElsewhere(body)
    }

    private func sendFromElsewhere(
        _ body: @Sendable (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict
    ) async throws -> PipeConnection.SendVerdict {
        try await sendInTurn(body)
    }

    /// Waits behind those who came before, then sends.
    private nonisolated(nonsending) func sendInTurn(
        _ body: @Sendable (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict
    ) async throws -> PipeConnection.SendVerdict {
        if unsafe state.canSendAtOnce { return try unsafe state.send(body) }
        try await wait(for: .turn)
        // A task that resumes resumes the next one, even if its own message is refused.
        defer { unsafe state.endTurn() }
        return try unsafe state.send(body)
    }
}

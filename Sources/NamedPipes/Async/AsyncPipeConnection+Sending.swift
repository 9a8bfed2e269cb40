// SPDX-License-Identifier: Apache-2.0

extension AsyncPipeConnection {
    /// Sends one message. All messages of a turn of the loop are written together, with one call.
    ///
    /// While more than ``PipeConnection/Configuration/highWaterMark`` is queued, this waits until the peer has taken
    /// enough. Waiting tasks send in the order in which they came, and a task that comes later sends after all of them.
    /// If the task is cancelled meanwhile, the wait ends at once with `CancellationError`, and the message was not
    /// accepted.
    ///
    /// - Parameter message: its bytes, at most the framing's maximum.
    /// - Returns: the verdict, which is of interest only if the ``PipeConnection/SlowReaderPolicy`` drops messages.
    /// - Throws: ``PipeError/disconnected(_:)``, ``PipeError/notConnected(_:)``,
    ///   ``PipeError/messageTooLarge(byteCount:limit:)``, ``PipeError/sendQueueFull(limit:)`` or
    ///   ``PipeError/framing(_:)``; `CancellationError`. If it throws, nothing of the message is sent.
    @discardableResult
    public nonisolated(nonsending) func send(_ message: [UInt8]) async throws -> PipeConnection.SendVerdict {
        if executor.isCurrent, unsafe state.canSendAtOnce {
            return try unsafe state.send { connection throws(PipeError) in try connection.send(message) }
        }
        return try await sendOnReactor { connection throws(PipeError) in try connection.send(message) }
    }

    /// Sends a received or kept message; see ``send(_:)-([UInt8])``. A large one is written from its own memory.
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

    /// Whether `send` would not wait, as far as the caller can know: on the reactor's thread.
    package nonisolated var canSendAtOnce: Bool { executor.isCurrent && (unsafe state.canSendAtOnce) }

    // Not inlined: the frame of a send that does not wait stays small, within the first kilobyte of a task's memory.
    @inline(never)
    nonisolated(nonsending) func sendOnReactor(
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

    /// Waits for the tasks that came before, then sends.
    private nonisolated(nonsending) func sendInTurn(
        _ body: @Sendable (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict
    ) async throws -> PipeConnection.SendVerdict {
        if unsafe state.canSendAtOnce { return try unsafe state.send(body) }
        try await wait(for: .turn)
        // As in `waitForMessage`; the turn is taken meanwhile.
        guard executor.isCurrent else { return try await sendAndEndTurn(body) }
        return try endTurn(sending: body)
    }

    private func sendAndEndTurn(
        _ body: @Sendable (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict
    ) async throws -> PipeConnection.SendVerdict {
        try endTurn(sending: body)
    }

    /// A task that waited lets the next one resume, even if its own message is refused.
    private nonisolated func endTurn(
        sending body: (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict
    ) throws(PipeError) -> PipeConnection.SendVerdict {
        defer { unsafe state.endTurn() }
        return try unsafe state.send(body)
    }
}

// SPDX-License-Identifier: Apache-2.0

extension AsyncPipeConnection {
    /// Sends one message without waiting, from code that cannot `await`, such as the function of ``nextBatch(_:)``. On
    /// the reactor's thread; anywhere else it is a programmer error, and ``send(_:)-([UInt8])`` and ``sender`` are for
    /// that.
    ///
    /// All messages of a turn of the loop are written together, with one call. The message is queued even above
    /// ``PipeConnection/Configuration/highWaterMark``, before those of tasks that wait for room. The connection of a
    /// server then receives nothing more until its queue is down again, if
    /// ``PipeConnection/Configuration/pausesReceivingAboveHighWaterMark`` is set.
    ///
    /// - Parameter message: its bytes, at most the framing's maximum; copied before this returns.
    /// - Returns: whether there is room for more.
    /// - Throws: ``PipeError/disconnected(_:)``, ``PipeError/notConnected(_:)``,
    ///   ``PipeError/messageTooLarge(byteCount:limit:)``, ``PipeError/sendQueueFull(limit:)`` or
    ///   ``PipeError/framing(_:)``. If it throws, nothing of the message is sent.
    @discardableResult
    public nonisolated func trySend(_ message: Span<UInt8>) throws(PipeError) -> PipeConnection.SendVerdict {
        checkThread()
        return try unsafe state.send { connection throws(PipeError) in try connection.send(message) }
    }

    /// Sends an array without waiting; see ``trySend(_:)-(Span<UInt8>)``.
    @discardableResult
    public nonisolated func trySend(_ message: [UInt8]) throws(PipeError) -> PipeConnection.SendVerdict {
        checkThread()
        return try unsafe state.send { connection throws(PipeError) in try connection.send(message) }
    }

    /// Sends a received or kept message without waiting; see ``trySend(_:)-(Span<UInt8>)``. A large one is written from
    /// its own memory.
    @discardableResult
    public nonisolated func trySend(_ message: PipeMessage) throws(PipeError) -> PipeConnection.SendVerdict {
        checkThread()
        return try unsafe state.send { connection throws(PipeError) in try connection.send(message) }
    }

    /// Sends the UTF-8 bytes of a text as one message without waiting; see ``trySend(_:)-(Span<UInt8>)``.
    @discardableResult
    public nonisolated func trySend(_ message: String) throws(PipeError) -> PipeConnection.SendVerdict {
        checkThread()
        return try unsafe state.send { connection throws(PipeError) in try connection.send(message) }
    }

    @inline(__always)
    private nonisolated func checkThread() {
        precondition(
            executor.isCurrent, "trySend(_:) outside of the reactor's thread, where send(_:) or a sender works")
    }
}

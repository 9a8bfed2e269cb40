// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Why a function and not a sequence of spans: a `Span` borrows the memory of the read, which the next read of any
// connection overwrites. It is not escapable, so it cannot be the element of an `AsyncSequence`; but nothing keeps a
// local one from being used behind an `await`, after which its bytes are others. In a synchronous function there is no
// `await`.

extension AsyncPipeConnection {
    /// Receives the next batch: calls a function once for each message that one read of the connection has brought, or
    /// that has arrived since the last one was received, in the order in which the peer sent them.
    ///
    /// ```swift
    /// try await PipeServer.serve(at: .runtime("echo")) { connection in
    ///     while try await connection.nextBatch({ message in
    ///         try connection.trySend(message)
    ///     }) {}
    /// }
    /// ```
    ///
    /// It waits, ends, throws and exerts back-pressure as ``messages`` do, and may be mixed with them and with
    /// ``nextMessage()``. In large batches, a message takes less than a third of the instructions: there is no `await`
    /// for each, and a task that waits on the reactor's thread gets the bytes where they were read, without a copy.
    ///
    /// The function is called on the caller's executor, before this returns. A message's bytes are valid until it
    /// returns: copy what is needed longer, for example with ``PipeMessage/init(copying:)-(Span<UInt8>)``. Inside it,
    /// ``trySend(_:)-(Span<UInt8>)`` sends; all messages that it sends leave with one write. Descriptors that came with
    /// a message are closed; see ``nextBatch(withDescriptors:)``.
    ///
    /// - Parameter body: gets each message. If it throws, the batch ends there, and the messages behind it stay for the
    ///   next caller.
    /// - Returns: whether there was a batch; false after the last one.
    /// - Throws: what `body` throws; ``PipeError/disconnected(_:)`` or `CancellationError`.
    public nonisolated(nonsending) func nextBatch(_ body: (_ message: Span<UInt8>) throws -> Void) async throws -> Bool
    {
        try await receiveBatch { message, _ in try body(message) }
    }

    /// Receives the next batch, with the descriptors that came with each message; see ``nextBatch(_:)``.
    ///
    /// - Parameter body: gets each message and its descriptors, often none. Those that it does not take out are closed.
    /// - Returns: whether there was a batch; false after the last one.
    /// - Throws: as ``nextBatch(_:)``.
    public nonisolated(nonsending) func nextBatch(
        withDescriptors body: (_ message: Span<UInt8>, _ descriptors: inout ReceivedDescriptors) throws -> Void
    ) async throws -> Bool {
        try await receiveBatch { message, descriptors in
            var own = descriptors.take() ?? ReceivedDescriptors(taking: [])
            try body(message, &own)
        }
    }

    @inline(__always)
    private nonisolated(nonsending) func receiveBatch(_ body: BatchBody) async throws -> Bool {
        guard executor.isCurrent else { return try await receiveBatchElsewhere(body) }
        while true {
            if try unsafe state.takeBatch(body) { return true }
            if unsafe state.isInputFinished {
                try reportEnd()
                return false
            }
            try await wait(for: .batch)
            // As in `waitForMessage`.
            guard executor.isCurrent else { return try await receiveBatchElsewhere(body) }
        }
    }

    /// One hop brings all messages that have arrived.
    @inline(never)
    private nonisolated(nonsending) func receiveBatchElsewhere(_ body: BatchBody) async throws -> Bool {
        if try takeLentBatch(body) { return true }
        guard let first = try await waitFromElsewhere() else { return false }
        try first.deliver(to: body)
        _ = try takeLentBatch(body)
        return true
    }

    /// Takes the messages that are lent at this moment; more may come meanwhile.
    private nonisolated func takeLentBatch(_ body: BatchBody) throws -> Bool {
        var isEmpty = true
        for _ in 0..<(unsafe state.lent?.count ?? 0) {
            guard let message = takeLent() else { break }
            isEmpty = false
            try message.deliver(to: body)
        }
        return !isEmpty
    }
}

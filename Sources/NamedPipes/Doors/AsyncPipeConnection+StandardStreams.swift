// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

extension AsyncPipeConnection {
    /// Speaks over standard input and output while a function runs.
    ///
    /// ```swift
    /// var configuration = PipeConnection.Configuration()
    /// configuration.framing = ContentLengthFraming()
    /// try await AsyncPipeConnection.withStandardStreams(configuration) { connection in
    ///     for try await message in connection.messages { ... }
    /// }
    /// ```
    ///
    /// The function runs on the reactor's thread. When it returns, the queued messages are sent and the streams are
    /// closed. When it throws, or the task is cancelled, the connection ends at once. The streams belong to the
    /// connection: see ``AcceptedConnection/standardStreams()``.
    ///
    /// - Parameters:
    ///   - configuration: the default is a 4-byte length framing.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    ///   - body: the function that uses the connection.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; ``PipeError/messagesUnsent(count:_:)``; as
    ///   ``AcceptedConnection/standardStreams()``; `CancellationError`.
    public static func withStandardStreams<Result: Sendable>(
        _ configuration: PipeConnection.Configuration = PipeConnection.Configuration(),
        on executor: ReactorExecutor? = nil,
        _ body: nonisolated(nonsending) @Sendable (AsyncPipeConnection) async throws -> Result
    ) async throws -> Result {
        try await with(configuration, on: executor, accepting: { () throws(PipeError) in try .standardStreams() }, body)
    }

    /// Uses a connection that `accept` makes on the reactor's thread.
    private static func with<Result: Sendable>(
        _ configuration: PipeConnection.Configuration, on executor: ReactorExecutor?,
        accepting accept: @Sendable () throws(PipeError) -> AcceptedConnection,
        _ body: nonisolated(nonsending) @Sendable (AsyncPipeConnection) async throws -> Result
    ) async throws -> Result {
        try await withReactor(executor, name: "pipe streams") { executor in
            let delegate = AsyncClientDelegate()
            let raw = PipeConnection.serve(
                try accept(), configuration, reactor: executor.reactorOfThisThread, delegate: delegate)
            let connection: AsyncPipeConnection
            do {
                connection = try await delegate.connection()
            } catch {
                raw.abort()
                throw error
            }
            return try await connection.handle(with: body)
        }
    }
}

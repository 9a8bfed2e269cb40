// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

extension PipeClient {
    /// Connects to a server, and is connected while a function runs.
    ///
    /// ```swift
    /// let answer = try await PipeClient.withConnection(to: .runtime("echo")) { connection in
    ///     try await connection.send("hello")
    ///     return try await connection.nextMessage().flatMap { String(copying: $0) }
    /// }
    /// ```
    ///
    /// The function runs on the reactor's thread, as ``PipeServer/serve(at:configuration:on:onEvent:handler:)`` says of
    /// its handlers. When it returns, what is queued is sent and the connection is closed; when it throws, or the task
    /// is cancelled, also while the rest is sent, the connection is ended at once. In either case it has ended when
    /// this returns, and when this returns normally, all that was queued has been handed to the kernel, unless the
    /// function itself called ``AsyncPipeConnection/abort()``.
    ///
    /// - Parameters:
    ///   - address: the server's name.
    ///   - configuration: the default is a 4-byte length framing and 5 s to connect. A client that connects again would
    ///     not be on the same connection: ``Configuration/reconnection`` and ``Configuration/unsentMessages`` are
    ///     ignored.
    ///   - executor: of the reactor to live on. The default is nil: a thread is made for it, and ends with the call.
    ///   - body: what is done with the connection.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; ``PipeError/messagesUnsent(count:_:)``; ``PipeError/noServer(_:)``,
    ///   ``PipeError/accessDenied(_:)``, ``PipeError/backlogFull(_:)``, ``PipeError/peerRefused(_:)``,
    ///   ``PipeError/timedOut`` or ``PipeError/system(_:)``; `CancellationError`.
    public static func withConnection<Result: Sendable>(
        to address: PipeAddress, configuration: Configuration = Configuration(), on executor: ReactorExecutor? = nil,
        _ body: nonisolated(nonsending) @Sendable (AsyncPipeConnection) async throws -> Result
    ) async throws -> Result {
        try await withConnection(configuration, on: executor, body) { configuration, reactor, delegate in
            PipeClient(address: address, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    /// Connects with a client that `makeClient` makes, on the reactor's thread.
    package static func withConnection<Result: Sendable>(
        _ configuration: Configuration, on executor: ReactorExecutor?,
        _ body: nonisolated(nonsending) @Sendable (AsyncPipeConnection) async throws -> Result,
        _ makeClient: @Sendable (Configuration, Reactor, any PipeClientDelegate) throws -> PipeClient
    ) async throws -> Result {
        try await withReactor(executor, name: "pipe client") { executor in
            var configuration = configuration
            configuration.reconnection = nil
            configuration.unsentMessages = .discard
            let delegate = AsyncClientDelegate()
            let client = try makeClient(configuration, executor.reactorOfThisThread, delegate)
            client.connect()
            let reference = client.reference
            let connection: AsyncPipeConnection
            do {
                connection = try await withTaskCancellationHandler {
                    try await delegate.connection()
                } onCancel: {
                    reference.perform { $0.disconnect() }
                }
            } catch {
                client.disconnect()
                throw error
            }
            defer { client.disconnect() }
            return try await connection.handle(with: body)
        }
    }
}

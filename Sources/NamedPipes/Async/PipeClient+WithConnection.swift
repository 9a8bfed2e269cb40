// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

extension PipeClient {
    /// Connects to a server, and stays connected while a function runs.
    ///
    /// ```swift
    /// let answer = try await PipeClient.withConnection(to: .runtime("echo")) { connection in
    ///     try await connection.send("hello")
    ///     return try await connection.nextMessage().flatMap { String(copying: $0) }
    /// }
    /// ```
    ///
    /// The function runs on the reactor's thread, like the handlers of
    /// ``PipeServer/serve(at:configuration:on:onEvent:handler:)``. When it returns, the queued messages are sent and
    /// the connection is closed. When it throws, or the task is cancelled, even while the rest is being sent, the
    /// connection is ended at once. In either case the connection has ended when this call returns. If it returns
    /// normally, all queued messages were handed to the kernel, unless the function itself called
    /// ``AsyncPipeConnection/abort()``.
    ///
    /// - Parameters:
    ///   - address: the server's name.
    ///   - configuration: the default is a 4-byte length framing and 5 s to connect. ``Configuration/reconnection`` and
    ///     ``Configuration/unsentMessages`` are ignored, because a client that reconnects would have another
    ///     connection.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    ///   - body: the function that uses the connection.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, except that ``PipeError/disconnected(_:)`` becomes
    ///   ``PipeError/closedUnanswered(_:_:)`` if the server closed this connection before anything came back;
    ///   ``PipeError/messagesUnsent(count:_:)``; ``PipeError/noServer(_:)``,
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

    /// Connects with the client that `makeClient` makes, on the reactor's thread.
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
            do {
                return try await connection.handle(with: body)
            } catch PipeError.disconnected(let reason) {
                throw await connection.explanation(of: reason)
            }
        }
    }
}

extension AsyncPipeConnection {
    /// The error for this end of the connection: with the likely causes, if there are any.
    fileprivate func explanation(of reason: DisconnectReason) -> PipeError {
        guard let unansweredClose, reason == endReason else { return .disconnected(reason) }
        return .closedUnanswered(reason, unansweredClose)
    }
}

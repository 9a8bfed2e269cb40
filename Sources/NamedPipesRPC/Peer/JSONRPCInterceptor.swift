// SPDX-License-Identifier: Apache-2.0

/// Surrounds all requests and all handlers of a peer: to trace, to measure, to keep a journal.
///
/// Its additions to a request travel beside the parameters, as members of the request object that are strings. JSON-RPC
/// 2.0 gives such members no meaning, and many ends ignore them; for strict ends, which refuse such a request, there is
/// ``JSONRPCPeer/Configuration/metadataPlace``. StreamJsonRpc carries a trace in this way, as `traceparent` and
/// `tracestate`:
///
/// ```json
/// {"jsonrpc":"2.0","id":1,"method":"add","params":{},"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
/// ```
///
/// The product `NamedPipesService` contains an interceptor for swift-distributed-tracing. Both functions run on the
/// reactor's thread, like the peer, and must not block. By default both only call `next`, once.
public protocol JSONRPCInterceptor: Sendable {
    /// Called around each request, notification and batch of this end.
    ///
    /// - Parameters:
    ///   - call: the message to be sent.
    ///   - next: sends it, with metadata, and waits for the reply if there is one. The metadata of a batch is added to
    ///     each of its requests. `jsonrpc`, `id`, `method`, `params`, `result` and `error` cannot be metadata: they are
    ///     omitted.
    /// - Returns: what `next` returns.
    /// - Throws: the errors of `next`; any other error is thrown to the sender.
    nonisolated(nonsending) func send<Outcome>(
        _ call: JSONRPCOutgoingCall,
        next: nonisolated(nonsending) (_ metadata: [String: String]) async throws -> Outcome
    ) async throws -> Outcome

    /// Called around each handler of a request or notification of the other end.
    ///
    /// - Parameters:
    ///   - call: the call to be handled; ``JSONRPCCall/metadata`` came with it.
    ///   - next: calls the handler.
    /// - Returns: what `next` returns: the reply.
    /// - Throws: the errors of `next`, which are the handler's; see ``JSONRPCMethods``.
    nonisolated(nonsending) func handle(
        _ call: JSONRPCCall, next: nonisolated(nonsending) () async throws -> JSONText
    ) async throws -> JSONText
}

extension JSONRPCInterceptor {
    /// Sends it without metadata.
    public nonisolated(nonsending) func send<Outcome>(
        _ call: JSONRPCOutgoingCall,
        next: nonisolated(nonsending) (_ metadata: [String: String]) async throws -> Outcome
    ) async throws -> Outcome {
        try await next([:])
    }

    /// Calls the handler.
    public nonisolated(nonsending) func handle(
        _ call: JSONRPCCall, next: nonisolated(nonsending) () async throws -> JSONText
    ) async throws -> JSONText {
        try await next()
    }
}

/// An interceptor's view of a message to be sent.
public struct JSONRPCOutgoingCall: Sendable {
    /// The kind of message.
    @nonexhaustive
    public enum Kind: Hashable, Sendable {
        /// A message with a reply.
        case request
        /// A message without a reply.
        case notification
        /// This number of requests and notifications in one message.
        case batch(count: Int)
    }

    /// The kind of message.
    public let kind: Kind

    /// The name of the method; nil for a batch.
    public let method: String?

    /// This end.
    public let peer: JSONRPCPeer
}

extension JSONRPCPeer {
    /// Sends something with the metadata that the interceptor adds, if there is one.
    func intercept<Outcome>(
        _ kind: JSONRPCOutgoingCall.Kind, _ method: String?,
        _ send: nonisolated(nonsending) (_ metadata: [String: String]) async throws -> Outcome
    ) async throws -> Outcome {
        guard let interceptor = configuration.interceptor else { return try await send([:]) }
        return try await interceptor.send(
            JSONRPCOutgoingCall(kind: kind, method: method, peer: self), next: send)
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Stands around all that a peer asks and all that it answers: to trace, to measure, to keep a journal.
///
/// Its additions to a request travel beside the parameters, as members of the request object that are strings. JSON-RPC
/// 2.0 gives such members no meaning, and many ends ignore them; strict ones refuse the request, for which there is
/// ``JSONRPCPeer/Configuration/metadataPlace``. StreamJsonRpc carries a trace so, as `traceparent` and `tracestate`:
///
/// ```json
/// {"jsonrpc":"2.0","id":1,"method":"add","params":{},"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
/// ```
///
/// The product `NamedPipesService` has one for swift-distributed-tracing. Both functions run where the peer does, on
/// the reactor's thread, and must not block. Both do nothing by default, and call `next` once.
public protocol JSONRPCInterceptor: Sendable {
    /// Called around each request, notification and batch of this end.
    ///
    /// - Parameters:
    ///   - call: what is to be sent.
    ///   - next: sends it, with metadata, and waits for the reply where there is one. The metadata of a batch goes with
    ///     each of its requests. `jsonrpc`, `id`, `method`, `params`, `result` and `error` cannot be metadata: they are
    ///     left out.
    /// - Returns: what `next` returns.
    /// - Throws: what `next` throws; anything else goes to who wanted to send.
    nonisolated(nonsending) func send<Outcome>(
        _ call: JSONRPCOutgoingCall,
        next: nonisolated(nonsending) (_ metadata: [String: String]) async throws -> Outcome
    ) async throws -> Outcome

    /// Called around each handler of a request or notification of the other end.
    ///
    /// - Parameters:
    ///   - call: what is to be handled; ``JSONRPCCall/metadata`` came with it.
    ///   - next: calls the handler.
    /// - Returns: what `next` returns: the reply.
    /// - Throws: what `next` throws, which is what the handler throws; see ``JSONRPCMethods``.
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

/// A ``JSONRPCInterceptor``'s view of a message to be sent.
public struct JSONRPCOutgoingCall: Sendable {
    /// The kind of message.
    @nonexhaustive
    public enum Kind: Hashable, Sendable {
        /// A reply is waited for.
        case request
        /// There is no reply.
        case notification
        /// So many requests and notifications in one message.
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
    /// Sends something with the metadata that the interceptor gives, if there is one.
    func intercept<Outcome>(
        _ kind: JSONRPCOutgoingCall.Kind, _ method: String?,
        _ send: nonisolated(nonsending) (_ metadata: [String: String]) async throws -> Outcome
    ) async throws -> Outcome {
        guard let interceptor = configuration.interceptor else { return try await send([:]) }
        return try await interceptor.send(
            JSONRPCOutgoingCall(kind: kind, method: method, peer: self), next: send)
    }
}

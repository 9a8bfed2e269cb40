// SPDX-License-Identifier: Apache-2.0
#if Service
public import NamedPipesRPC
public import Tracing

/// Traces JSON-RPC with swift-distributed-tracing: a client span around each request of this end, a server span around
/// each handler, and the context of the trace in the request between them.
///
/// ```swift
/// var configuration = JSONRPCPeer.Configuration()
/// configuration.interceptor = JSONRPCTracing()
/// try await JSONRPCPeer.serve(connection, methods: methods, configuration: configuration)
/// ```
///
/// The names and values that the tracer injects are string members of the request object, beside `method` and `params`.
/// With a tracer of W3C Trace Context these are `traceparent` and `tracestate`, as in StreamJsonRpc, so that a trace
/// continues in a .NET process and comes back.
///
/// Strict servers refuse a request that has such members: jsonrpcserver and json-rpc, both in Python, do. For those,
/// let `JSONRPCPeer.Configuration.metadataPlace` put them into `params._meta`, as in the Model Context Protocol, or do
/// not trace requests to them.
///
/// | Span | Kind | Name |
/// |---|---|---|
/// | request, until its reply | client | the method |
/// | notification, until it is sent | producer | the method |
/// | batch, until all replies | client | `batch` |
/// | handler of a request | server | the method |
/// | handler of a notification | consumer | the method |
///
/// Attributes, by the names of OpenTelemetry: `rpc.system.name` (`jsonrpc`), `rpc.method`, `jsonrpc.protocol.version`,
/// `jsonrpc.request.id` on the handler's side if the id is a number or string, `rpc.response.status_code` (an error's
/// code, as a string), `error.type` (that code, `timeout`, or the type of the error), `network.transport` (`unix`). A
/// thrown error is recorded in the span, whose status is then an error.
///
/// A server's own methods are few, but the other end may call any name: handlers that `handleOthers` registers have the
/// span name `other`, so that span names stay few.
///
/// The context comes from the other end, which may choose it freely. Set ``trustsPeers`` to false on a server whose
/// clients must not choose the trace in which they appear.
public struct JSONRPCTracing: JSONRPCInterceptor {
    private let ownTracer: (any Tracer)?

    /// Whether handlers continue the trace that the other end names. The default is true; with false, each handler
    /// begins a new one.
    public var trustsPeers = true

    /// Creates an interceptor that uses the program's tracer, or another.
    ///
    /// - Parameter tracer: the default is nil: the tracer that the program's `InstrumentationSystem` has at each call.
    public init(tracer: (any Tracer)? = nil) { ownTracer = tracer }

    private var tracer: any Tracer { ownTracer ?? InstrumentationSystem.tracer }

    /// Opens a span and sends its context along.
    public nonisolated(nonsending) func send<Outcome>(
        _ call: JSONRPCOutgoingCall,
        next: nonisolated(nonsending) (_ metadata: [String: String]) async throws -> Outcome
    ) async throws -> Outcome {
        let span = tracer.startAnySpan(call.method ?? "batch", ofKind: call.kind == .notification ? .producer : .client)
        span.describe(method: call.method)
        if case .batch(let count) = call.kind { span.attributes["rpc.jsonrpc.batch_size"] = count }
        var metadata: [String: String] = [:]
        tracer.inject(span.context, into: &metadata, using: RequestMembers())
        return try await within(span) { try await next(metadata) }
    }

    /// Opens a span in the trace that came with the call.
    public nonisolated(nonsending) func handle(
        _ call: JSONRPCCall, next: nonisolated(nonsending) () async throws -> JSONText
    ) async throws -> JSONText {
        var context = ServiceContext.topLevel
        if trustsPeers { tracer.extract(call.metadata, into: &context, using: RequestMembers()) }
        let span = tracer.startAnySpan(
            call.isRegistered ? call.method : "other", context: context, ofKind: call.id == nil ? .consumer : .server)
        span.describe(method: call.method)
        switch call.id {
        case .number(let id)?: span.attributes["jsonrpc.request.id"] = "\(id)"
        case .string(let id)?: span.attributes["jsonrpc.request.id"] = id
        default: break
        }
        return try await within(span, next)
    }

    private nonisolated(nonsending) func within<Outcome>(
        _ span: any Span, _ body: nonisolated(nonsending) () async throws -> Outcome
    ) async throws -> Outcome {
        defer { span.end() }
        do {
            return try await ServiceContext.$current.withValue(span.context) { try await body() }
        } catch {
            span.describe(error)
            span.recordError(error)
            span.setStatus(SpanStatus(code: .error))
            throw error
        }
    }
}

extension Span {
    fileprivate func describe(method: String?) {
        updateAttributes { attributes in
            attributes["rpc.system.name"] = "jsonrpc"
            attributes["jsonrpc.protocol.version"] = "2.0"
            attributes["network.transport"] = "unix"
            if let method { attributes["rpc.method"] = method }
        }
    }

    fileprivate func describe(_ error: any Error) {
        updateAttributes { attributes in
            switch error {
            case let error as JSONRPCError:
                attributes["rpc.response.status_code"] = "\(error.code.rawValue)"
                attributes["error.type"] = "\(error.code.rawValue)"
            case JSONRPCRequestFailure.timedOut: attributes["error.type"] = "timeout"
            default: attributes["error.type"] = "\(type(of: error))"
            }
        }
    }
}

/// How tracers write into the metadata of a request, and read from it.
private struct RequestMembers: Injector, Extractor {
    func inject(_ value: String, forKey key: String, into metadata: inout [String: String]) { metadata[key] = value }

    func extract(key: String, from metadata: [String: String]) -> String? { metadata[key] }
}
#endif

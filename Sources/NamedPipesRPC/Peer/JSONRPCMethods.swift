// SPDX-License-Identifier: Apache-2.0

/// The methods that the other end may call: handlers by name.
///
/// ```swift
/// var methods = JSONRPCMethods()
/// methods.handle("add") { (pair: Pair, call) in pair.left + pair.right }
/// methods.handle("log") { (entry: Entry, call) in journal.append(entry) }
/// ```
///
/// Handlers run on the reactor's thread, as child tasks of the task that runs the peer. They begin in the order in
/// which requests arrived, each runs up to its first `await`, and from there on they run concurrently. They must not
/// block.
///
/// The other end receives what a handler throws: a ``JSONRPCError`` as it is; `CancellationError`, if the other end had
/// cancelled, as ``JSONRPCError/Code/requestCancelled``; anything else as ``JSONRPCError/Code/internalError`` without
/// details, which go to ``JSONRPCPeer/Configuration/onEvent``. Parameters that cannot be decoded never reach a handler:
/// they are ``JSONRPCError/Code/invalidParams``. If a request has no parameters, handlers get the value that null
/// decodes to.
///
/// A method may be called as a request and as a notification; the result of a notification is discarded.
public struct JSONRPCMethods: Sendable {
    /// A handler of plain JSON: receives the parameters, if there are any, and returns the result.
    public typealias JSONHandler = @Sendable (JSONText?, JSONRPCCall) async throws -> JSONText

    private var handlers: [String: JSONHandler] = [:]
    private var fallback: JSONHandler?

    /// Creates an empty set of methods.
    public init() {}

    /// Registers a method that takes parameters and returns a result. A later handler replaces an earlier one of the
    /// same name.
    public mutating func handle<Params: Decodable & SendableMetatype, Result: Encodable & SendableMetatype>(
        _ method: String, _ handler: @escaping @Sendable (Params, JSONRPCCall) async throws -> Result
    ) {
        handleJSON(method) { params, call in
            try call.coding.encode(try await handler(try call.decode(params), call))
        }
    }

    /// Registers a method that takes parameters and returns nothing: for notifications; a request gets null.
    public mutating func handle<Params: Decodable & SendableMetatype>(
        _ method: String, _ handler: @escaping @Sendable (Params, JSONRPCCall) async throws -> Void
    ) {
        handleJSON(method) { params, call in
            try await handler(try call.decode(params), call)
            return .null
        }
    }

    /// Registers a method that takes no parameters; any that arrive are ignored.
    public mutating func handle<Result: Encodable & SendableMetatype>(
        _ method: String, _ handler: @escaping @Sendable (JSONRPCCall) async throws -> Result
    ) {
        handleJSON(method) { _, call in try call.coding.encode(try await handler(call)) }
    }

    /// Registers a method that takes no parameters and returns nothing.
    public mutating func handle(_ method: String, _ handler: @escaping @Sendable (JSONRPCCall) async throws -> Void) {
        handleJSON(method) { _, call in
            try await handler(call)
            return .null
        }
    }

    /// Registers a method whose parameters and result are JSON of any shape.
    public mutating func handleJSON(_ method: String, _ handler: @escaping JSONHandler) { handlers[method] = handler }

    /// Registers a handler for all other methods; ``JSONRPCCall/method`` is the name. Without it, they are
    /// ``JSONRPCError/Code/methodNotFound``.
    public mutating func handleOthers(_ handler: @escaping JSONHandler) { fallback = handler }

    func handler(of method: String) -> JSONHandler? { handlers[method] ?? fallback }

    /// The names of the methods, sorted.
    package var names: [String] { handlers.keys.sorted() }

    func isRegistered(_ method: String) -> Bool { handlers[method] != nil }
}

/// A handler's view of its call.
public struct JSONRPCCall: Sendable {
    /// The name that was called.
    public let method: String

    /// The request's id; nil for a notification.
    public let id: JSONRPCID?

    /// Whether a handler is registered for this name; false if ``JSONRPCMethods/handleOthers(_:)`` handles it.
    public var isRegistered: Bool { peer.methods.isRegistered(method) }

    /// Metadata beside the parameters, or in their `_meta`; see ``JSONRPCPeer/Configuration/metadataPlace``: members
    /// that are strings and that JSON-RPC 2.0 does not define, such as `traceparent`. The other end may write there
    /// whatever it likes; see ``JSONRPCInterceptor``.
    public let metadata: [String: String]

    /// This end: for requests in the other direction, notifications and progress.
    public let peer: JSONRPCPeer

    var coding: JSONCoding { peer.configuration.coding }

    fileprivate func decode<Params: Decodable>(_ params: JSONText?) throws(JSONRPCError) -> Params {
        do {
            return try coding.decode(Params.self, from: params ?? .null)
        } catch let error as DecodingError {
            throw .invalidParams(error)
        } catch {
            throw JSONRPCError(.invalidParams, "Invalid params")
        }
    }
}

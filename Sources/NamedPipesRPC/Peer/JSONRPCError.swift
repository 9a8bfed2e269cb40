// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// The error object of JSON-RPC 2.0 (section 5.1): a handler throws it at one end, and the request throws it at the
/// other.
public struct JSONRPCError: Error, Hashable, Sendable {
    /// The kind of error; section 5.1 reserves -32768 to -32000. An integer literal is a code:
    /// `throw JSONRPCError(404, "no such job")`.
    public struct Code: RawRepresentable, Hashable, Sendable, ExpressibleByIntegerLiteral {
        /// The number.
        public let rawValue: Int

        /// Any number.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// Any number, as a literal.
        public init(integerLiteral value: Int) { rawValue = value }

        /// -32700: the message is not JSON.
        public static let parseError = Code(rawValue: -32700)
        /// -32600: JSON, but not a request.
        public static let invalidRequest = Code(rawValue: -32600)
        /// -32601: there is no such method.
        public static let methodNotFound = Code(rawValue: -32601)
        /// -32602: the method does not accept these parameters.
        public static let invalidParams = Code(rawValue: -32602)
        /// -32603: the handler failed with an error that is not meant for the other end.
        public static let internalError = Code(rawValue: -32603)
        /// -32000, the first of the codes for servers: the limit of waiting requests is reached.
        public static let tooManyRequests = Code(rawValue: -32000)
        /// -32001: the server is being stopped. The request was not begun, and may be repeated elsewhere.
        public static let stopping = Code(rawValue: -32001)
        /// -32800, as in LSP: the request was cancelled by its sender.
        public static let requestCancelled = Code(rawValue: -32800)
    }

    /// The kind of error.
    public var code: Code

    /// A sentence that describes it.
    public var message: String

    /// Further details, of a type that both ends agree on.
    public var data: JSONText?

    /// Creates an error to throw in a handler.
    public init(_ code: Code, _ message: String, data: JSONText? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }
}

extension JSONRPCError {
    static let methodNotFound = JSONRPCError(.methodNotFound, "Method not found")
    package static let internalError = JSONRPCError(.internalError, "Internal error")
    package static let stopping = JSONRPCError(.stopping, "The server is being stopped")
    static let requestCancelled = JSONRPCError(.requestCancelled, "Request cancelled")

    static func invalidRequest(_ detail: String) -> JSONRPCError {
        JSONRPCError(.invalidRequest, "Invalid Request", data: JSONText(quoting: detail))
    }

    package static func parseError(_ error: JSONSyntaxError) -> JSONRPCError {
        JSONRPCError(.parseError, "Parse error", data: JSONText(quoting: "\(error)"))
    }

    package static func tooManyRequests(limit: Int) -> JSONRPCError {
        JSONRPCError(.tooManyRequests, "Too many requests at a time", data: JSONText(quoting: "limit: \(limit)"))
    }

    /// The members are named as the other end wrote them, without the names of Swift's types.
    static func invalidParams(_ error: DecodingError) -> JSONRPCError {
        let detail =
            switch error {
            case .keyNotFound(let key, let context): "\(place(context, key)) is missing"
            case .valueNotFound(_, let context): "\(place(context)) is null"
            case .typeMismatch(_, let context): "\(place(context)) has another type: \(context.debugDescription)"
            case .dataCorrupted(let context): "\(place(context)) is not valid: \(context.debugDescription)"
            @unknown default: "\(error)"
            }
        return JSONRPCError(.invalidParams, "Invalid params", data: JSONText(quoting: detail))
    }

    private static func place(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
        (context.codingPath + [last].compactMap(\.self)).reduce("params") { path, key in
            key.intValue.map { "\(path)[\($0)]" } ?? "\(path).\(key.stringValue)"
        }
    }
}

/// The reason why this end has ended a connection: a notification arrived when the maximum of calls waited for a place,
/// while this end waited for replies and therefore had to read on. See ``JSONRPCPeer/Configuration/waitingByteLimit``.
public struct JSONRPCOverload: Error, Hashable, Sendable {
    /// The limit of waiting bytes.
    public let waitingByteLimit: Int
}

/// The reason why a request has no reply.
@nonexhaustive
public enum JSONRPCRequestFailure: Error, Sendable {
    /// The time was up. The other end was told to stop.
    case timedOut(Duration)

    /// The connection ended, or the other end sends no more; with the reason, if the connection itself has ended.
    case connectionEnded(DisconnectReason?)

    /// As ``connectionEnded(_:)``, at a client to which nothing came back before; with the likely causes.
    case closedUnanswered(DisconnectReason?, UnansweredClose)

    /// The limit of requests that wait for their replies is reached; this request was not sent. Thrown with the policy
    /// ``JSONRPCPeer/PendingLimitPolicy/refuse``, and for a batch that exceeds the limit by itself.
    case tooManyPending(limit: Int)

    /// The parameters are neither an object nor an array, as JSON-RPC 2.0 requires (section 4.2); nothing was sent.
    case paramsNotStructured(JSONText)

    /// The reply is not of the requested type; the reply, and the decoder's error.
    case undecodableReply(JSONText, any Error)

    /// The answer to this request is not a reply of JSON-RPC 2.0 (section 5).
    case invalidReply(JSONText)

    /// The answer to this request is not JSON, or not accepted as JSON: its bytes, and the reason.
    case unreadableReply(PipeMessage, JSONSyntaxError)
}

// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// The texts of this product's errors for people: one line.

extension JSONRPCError: CustomStringConvertible {
    /// The other end's message, unchanged, and its code.
    public var description: String { "\(message) (\(code.rawValue))\(data.map { ": \($0)" } ?? "")" }
}

extension JSONRPCRequestFailure: PossibleTimeout {
    package var isTimeout: Bool { if case .timedOut = self { true } else { false } }
}

extension JSONRPCRequestFailure: CustomStringConvertible {
    /// One line for a log or a person.
    public var description: String {
        switch self {
        case .timedOut(let time): "no reply within \(time)"
        case .connectionEnded(nil): "the other end finished sending without a reply"
        case .connectionEnded(let reason?): "the connection ended before the reply: \(reason)"
        case .closedUnanswered(let reason, let causes): "\(Self.connectionEnded(reason)): \(causes)"
        case .tooManyPending(let limit): "the limit of \(limit) pending requests is reached"
        case .paramsNotStructured(let params): "parameters must be a JSON object or array, not \(params)"
        case .undecodableReply(_, let error): "the reply is of another type: \(error)"
        case .invalidReply(let text): "not a valid reply: \(text)"
        case .unreadableReply(_, let error): "the reply cannot be read: \(error)"
        }
    }
}

extension JSONRPCOverload: CustomStringConvertible {
    /// The limit.
    public var description: String { "calls of more than \(waitingByteLimit) bytes wait to be handled" }
}

extension JSONSyntaxError: CustomStringConvertible {
    /// The problem, and its place.
    public var description: String {
        switch self {
        case .notUTF8: "the text is not UTF-8"
        case .unexpectedByte(let offset): "byte \(offset) is not valid JSON"
        case .unexpectedEnd: "the text ends in the middle of a value"
        case .tooDeep(let limit): "arrays and objects are nested more than \(limit) deep"
        }
    }
}

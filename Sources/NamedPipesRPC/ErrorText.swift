// SPDX-License-Identifier: Apache-2.0

// What the errors of this product say to a person: one line.

extension JSONRPCError: CustomStringConvertible {
    /// The other end's message, unchanged, and its code.
    public var description: String { "\(message) (\(code.rawValue))\(data.map { ": \($0)" } ?? "")" }
}

extension JSONRPCRequestFailure: CustomStringConvertible {
    /// One line for a log or a person.
    public var description: String {
        switch self {
        case .timedOut(let time): "no reply within \(time)"
        case .connectionEnded(nil): "the other end sends no more, and there was no reply"
        case .connectionEnded(let reason?): "the connection ended before the reply: \(reason)"
        case .tooManyPending(let limit): "as many requests wait for their replies as may: \(limit)"
        case .paramsNotStructured(let params): "parameters are a JSON object or array, not \(params)"
        case .undecodableReply(_, let error): "the reply is of another type: \(error)"
        case .invalidReply(let text): "that is no reply: \(text)"
        case .unreadableReply(_, let error): "the reply cannot be read: \(error)"
        }
    }
}

extension JSONRPCOverload: CustomStringConvertible {
    /// The limit.
    public var description: String { "calls of more than \(waitingByteLimit) bytes wait until fewer are handled" }
}

extension JSONSyntaxError: CustomStringConvertible {
    /// The problem, and its place.
    public var description: String {
        switch self {
        case .notUTF8: "the text is not UTF-8"
        case .unexpectedByte(let offset): "byte \(offset) is not what JSON has there"
        case .unexpectedEnd: "the text ends in the middle of a value"
        case .tooDeep(let limit): "arrays and objects lie in each other more than \(limit) deep"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// A call of the other end, to be handled, and answered if it has an id. It is in ``OpenCalls`` until then.
struct IncomingCall: Sendable {
    enum Kind: Sendable {
        case handled(IncomingMessage.Request, JSONRPCMethods.JSONHandler)
        case refused(WrittenID, JSONRPCError)
        case unanswered
    }

    let serial: OpenCalls.Serial
    let kind: Kind
    /// Whether the connection is closed after the answer.
    var isLast = false

    /// The id to answer; nil if no answer is expected.
    var id: WrittenID? {
        switch kind {
        case .handled(let request, _): request.id
        case .refused(let id, _): id
        case .unanswered: nil
        }
    }

    var isNotification: Bool { id == nil }
}

/// The calls of one message, which begin together and are answered together.
enum IncomingCalls: Sendable {
    case single(IncomingCall)
    case batch([IncomingCall])

    var all: [IncomingCall] {
        switch self {
        case .single(let call): [call]
        case .batch(let calls): calls
        }
    }

    /// Whether nothing has to be handled, so that the answer needs no place. A batch waits for its turn in any case.
    var isAnswerOnly: Bool {
        guard case .single(let call) = self else { return false }
        if case .handled = call.kind { return false }
        return true
    }
}

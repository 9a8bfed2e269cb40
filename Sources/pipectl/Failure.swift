// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

/// The reason why a command failed, in one line for a person, and the exit status of the process.
struct Failure: Error, Equatable {
    let message: String
    let status: ExitStatus

    init(_ message: String, _ status: ExitStatus = .failed) {
        self.message = message
        self.status = status
    }
}

extension Failure {
    /// The problem, and a possible remedy.
    init(_ error: PipeError) {
        switch error {
        case .invalidAddress(let reason): self.init(reason.hinted, .usage)
        default: self.init(described(error.problem, error.hint), error.isTimeout ? .timedOut : .failed)
        }
    }

    /// Any error that a call of the library threw.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case PipeError.closedUnanswered(let reason, let causes):
            self.init("the connection was \(reason.text)\(causes.text)")
        case PipeError.disconnected(let reason): self.init("the connection was \(reason.text)")
        case let error as PipeError: self.init(error)
        case is CancellationError: self.init("interrupted")
        case JSONRPCRequestFailure.timedOut: self.init("\(error) (--timeout sets how long to wait)", .timedOut)
        case let error as any PossibleWrongAddress where error.isWrongAddress: self.init("\(error)", .usage)
        default: self.init("\(error)")
        }
    }
}

private func described(_ problem: String, _ hint: String?) -> String { problem + (hint.map { " (\($0))" } ?? "") }

extension PipeError {
    /// A possible remedy, with the options of this program where the library names its own.
    fileprivate var hint: String? {
        switch self {
        case .noServer(let address) where address.isFIFO: "it is a FIFO, which takes text: echo text > \(address)"
        case .noServer: "is it running? --wait waits for it"
        case .receiveOnly: "it takes text: echo text > PATH"
        case .messageTooLarge: "--max-message raises it, at both ends"
        case .timedOut: "--timeout sets how long to wait"
        case .framing: "--framing chooses another"
        default: remedy
        }
    }
}

extension InvalidAddress {
    /// The problem, and a possible remedy.
    var hinted: String { described("\(self)", remedy) }
}

extension DisconnectReason {
    /// The event, and a possible remedy.
    var text: String {
        guard case .framing(let error) = self else { return "\(self)" }
        switch error.foreignHeader?.kind {
        case nil where error.isTooLarge: return "\(problem) (--max-message raises it, at both ends)"
        case .otherByteOrder: return "\(problem) (--framing has to be the same, or --max-message larger at both ends)"
        default: return "\(problem) (--framing has to be the same)"
        }
    }
}

extension UnansweredClose {
    /// The likely causes in the terms of the options, to be read after how the connection ended.
    var text: String {
        let causes = causes.map { cause in
            switch cause {
            case .framing: "use another --framing"
            case .messageSize: "have a smaller --max-message"
            default: "\(cause)"
            }
        }
        return "; nothing came back: the server may \(causes.joined(separator: ", or ")) (see its log)"
    }

    /// All that can have made a server close before it had read everything.
    static let anyCauseText =
        "; the server may use another --framing, have a smaller --max-message, or have refused this client (see its log)"
}

extension PipeConnection {
    /// ``UnansweredClose/text``; empty if the causes are not known.
    var causesText: String { unansweredClose?.text ?? "" }
}

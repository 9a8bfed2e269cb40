// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// The reason why a program ends: one line on standard error, and an exit status.
///
/// ```swift
/// throw ProgramFailure("no room is called \(name)")
/// ```
///
/// Thrown from the function of `PipeProgram.run`, it ends the program as it says. So does any other error, which
/// becomes a failure by ``init(describing:)``.
public struct ProgramFailure: Error, Hashable, Sendable {
    /// The line, without the program's name; nil to print nothing.
    public let message: String?

    /// The exit status (exit(3)), 0 to 255.
    public let status: Int32

    /// Whether the line is a usage, which begins with `usage:` instead of the program's name.
    private let isUsage: Bool

    /// - Parameters:
    ///   - message: the line, without the program's name. The default is nil: only the status tells.
    ///   - status: the exit status. The default is 1.
    public init(_ message: String? = nil, status: Int32 = 1) {
        precondition(0...255 ~= status, "an exit status is 0 to 255, not \(status)")
        self.init(message, status, isUsage: false)
    }

    /// The failure that an error is.
    ///
    /// | Error | Status | Line |
    /// |---|---|---|
    /// | a `ProgramFailure` | its own | its own |
    /// | `PipeError.invalidAddress` | 2, as for a wrong command line | the description and the remedy |
    /// | a wrong address, URL or name of NATS | 2 | its description |
    /// | a time limit that passed: `PipeError.timedOut`, `.backlogFull`, `.takeOverTimedOut`, `timedOut` of JSON-RPC and of NATS | 3 | the description and the remedy |
    /// | any other `PipeError` | 1 | the description and the remedy |
    /// | any other error | 1 | its description |
    public init(describing error: any Error) {
        switch error {
        case let failure as ProgramFailure: self = failure
        case let error as PipeError:
            self.init("\(error)\(error.remedy.map { " (\($0))" } ?? "")", error.programStatus, isUsage: false)
        case let error as any PossibleWrongAddress where error.isWrongAddress:
            self.init("\(error)", ProgramStatus.usage, isUsage: false)
        case let error as any PossibleTimeout where error.isTimeout:
            self.init("\(error)", ProgramStatus.timedOut, isUsage: false)
        default:
            self.init("\(error)", ProgramStatus.failed, isUsage: false)
        }
    }

    private init(_ message: String?, _ status: Int32, isUsage: Bool) {
        self.message = message
        self.status = status
        self.isUsage = isUsage
    }

    /// A wrong command line.
    static func usage(_ line: String) -> ProgramFailure {
        ProgramFailure("usage: \(line)", ProgramStatus.usage, isUsage: true)
    }

    /// The line as it is printed; nil to print nothing. Characters that a terminal would obey are escaped, line feeds
    /// among them.
    func line(of program: String) -> String? {
        message.map { escapingInvisibles(isUsage ? $0 : "\(program): \($0)") }
    }
}

/// The exit statuses that all programs of this package share.
enum ProgramStatus {
    static let failed: Int32 = 1
    static let usage: Int32 = 2
    static let timedOut: Int32 = 3
}

extension PipeError {
    fileprivate var programStatus: Int32 {
        if case .invalidAddress = self { return ProgramStatus.usage }
        return isTimeout ? ProgramStatus.timedOut : ProgramStatus.failed
    }
}

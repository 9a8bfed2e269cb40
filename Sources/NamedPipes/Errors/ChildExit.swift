// SPDX-License-Identifier: Apache-2.0

/// How a program that a client started has ended (`wait(2)`).
@nonexhaustive
public enum ChildExit: Hashable, Sendable {
    /// It returned from `main` or called `exit(3)`, with this status.
    case exited(Int32)

    /// A signal ended it.
    case signaled(Int32)

    /// Other code of this process has collected it: it ignores SIGCHLD, or waits for every child.
    case unknown
}

extension ChildExit: CustomStringConvertible {
    /// The end, to be read after "the program".
    public var description: String {
        switch self {
        case .exited(let status): "exited with status \(status)"
        case .signaled(let number): "was ended by signal \(number)"
        case .unknown: "has ended"
        }
    }
}

extension DisconnectReason {
    /// The reason for the end of a connection to a program that has ended: its exit explains everything that a peer
    /// does. What this end decided stays the reason.
    func explained(by exit: ChildExit?) -> DisconnectReason {
        guard let exit else { return self }
        switch self {
        case .closedByPeer, .resetByPeer, .truncatedByPeer, .outputFailed, .serverStopped: return .programEnded(exit)
        default: return self
        }
    }
}

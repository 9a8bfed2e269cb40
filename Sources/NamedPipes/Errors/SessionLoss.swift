// SPDX-License-Identifier: Apache-2.0

/// How a session over a broker was lost: the other end may be gone, or there, and has not said anything.
///
/// What the other end had sent was delivered as far as it arrived, which may end in the middle of a message.
@nonexhaustive
public enum SessionLoss: Hashable, Sendable, CaseIterable {
    /// Nothing came from the other end for the session's time limit: it was killed or is unreachable.
    case silent

    /// A piece of the stream is missing: the broker dropped it, because it was restarted, or one of its connections was
    /// too slow.
    case pieceLost

    /// The connection to the broker ended. What was on the way may be lost.
    case linkLost

    /// The other end does not know the session any more.
    case unknownSession

    /// Something arrived that no other end of a session sends.
    case malformed
}

extension SessionLoss: CustomStringConvertible {
    /// What happened, in one line.
    public var description: String {
        switch self {
        case .silent: "nothing came from the other end for too long"
        case .pieceLost: "a piece was lost on the way"
        case .linkLost: "the connection to the broker was lost"
        case .unknownSession: "the other end does not know it"
        case .malformed: "something else arrived in it"
        }
    }
}

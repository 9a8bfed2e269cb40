// SPDX-License-Identifier: Apache-2.0

/// The fault in a connection's exchange of descriptors: the detail of ``DisconnectReason/descriptors(_:)``.
@nonexhaustive
public enum DescriptorProblem: Hashable, Sendable {
    /// A message announced more descriptors than had arrived with its last byte. Also the answer to a peer that may
    /// not send any (``DescriptorPolicy``) and announces some.
    case fewerThanAnnounced(announced: Int, received: Int)

    /// Descriptors arrived that no message announced; `surplus` is their number.
    case moreThanAnnounced(surplus: Int)

    /// The kernel dropped some on the way, because this process has no free descriptor (`MSG_CTRUNC`, recvmsg(2)).
    case lost

    /// A message announced more than `limit`, the configuration's `perMessage`.
    case messageLimit(count: Int, limit: Int)

    /// More than `limit`, the configuration's `perConnection`, would have been in flight.
    case connectionLimit(Int)

    /// More than `limit`, the configuration's `perUser`, would have been in flight.
    case userLimit(Int)

    /// The peer's kernel refused ours (`EPERM`: `SO_PASSRIGHTS` is off at the peer, unix(7)).
    case refusedByPeer

    /// Ours found no room for several seconds: as many descriptors of this user are on their way as a process may have
    /// open (`ETOOMANYREFS`, unix(7)).
    case tooManyOnTheirWay
}

/// The reason why a message cannot be sent with descriptors, now or at all: the detail of
/// ``PipeError/descriptorsNotSent(_:)``.
@nonexhaustive
public enum DescriptorSendProblem: Hashable, Sendable {
    /// The framing cannot announce descriptors; ``DescriptorFraming`` can.
    case framingCannotAnnounce

    /// The connection is not a socket.
    case notASocket

    /// One message carries at most `limit`.
    case tooMany(count: Int, limit: Int)

    /// The queue keeps at most `limit` descriptors, because the peer does not read.
    case queueFull(limit: Int)
}

extension DescriptorProblem: CustomStringConvertible {
    /// One line for a log.
    public var description: String {
        switch self {
        case .fewerThanAnnounced(let announced, let received):
            "a message announced \(announced), and \(received) had arrived"
        case .moreThanAnnounced(let surplus): "\(surplus) came that no message announced"
        case .lost: "some were lost, because no descriptor was free here"
        case .messageLimit(let count, let limit): "\(count) with one message exceed the limit of \(limit)"
        case .connectionLimit(let limit): "more than \(limit) of the connection would be in flight"
        case .userLimit(let limit): "more than \(limit) of the user would be in flight"
        case .refusedByPeer: "the peer does not accept them"
        case .tooManyOnTheirWay: "too many of this user were on their way for too long"
        }
    }
}

extension DescriptorSendProblem: CustomStringConvertible {
    /// One line for a log.
    public var description: String {
        switch self {
        case .framingCannotAnnounce: "the framing cannot announce them"
        case .notASocket: "the connection is not a socket"
        case .tooMany(let count, let limit): "\(count) with one message exceed the limit of \(limit)"
        case .queueFull(let limit): "more than \(limit) would be waiting to be sent"
        }
    }
}

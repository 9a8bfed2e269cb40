// SPDX-License-Identifier: Apache-2.0

/// The likely causes, at a client, of a connection that the server closed before anything came back.
///
/// A server closes a client that it refuses, and one whose bytes do not fit its framing or exceed its limit. The client
/// is told nothing: to it, both are a ``DisconnectReason/closedByPeer`` or a ``DisconnectReason/resetByPeer``, as after
/// any other close. What the client knows excludes some causes; the server's log has the one that it was.
///
/// A server that never answers ends its connections like this too. Therefore a connection that lasted for longer than
/// ``recentTime`` has no such causes, unless it sent one message only.
public struct UnansweredClose: Hashable, Sendable {
    /// A likely cause of such a close.
    @nonexhaustive
    public enum Cause: Hashable, Sendable, CaseIterable {
        /// The server uses another framing. Possible if something was sent.
        case framing

        /// A message is larger than the server's maximum (``MessageFraming/maximumMessageByteCount``). Possible if more
        /// than 4 KiB were sent; no usual limit is smaller.
        case messageSize

        /// The server refused the client: it does not admit this user, or has no room (``ConnectionRefusal``). A
        /// refused client is closed unread, soon after it has connected. Possible if that was at most
        /// ``UnansweredClose/recentTime`` ago, and the server has not read everything that was sent.
        case refusal
    }

    /// What happened, from the client's side.
    struct Facts: Hashable {
        /// How the connection ended.
        var reason: DisconnectReason
        /// For how long it was open.
        var duration: Duration
        /// The number of bytes that were read.
        var receivedByteCount = 0
        /// The number of bytes that the kernel took.
        var sentByteCount = 0
        /// The number of messages that were taken, sent or not.
        var takenMessageCount = 0
        /// The number of them that the kernel did not take completely.
        var unsentMessageCount = 0
    }

    /// The likely causes, in the order of ``Cause``; never empty.
    public let causes: [Cause]

    /// A server refuses a client, and notices bytes that it does not understand, within moments. The time includes a
    /// server that was busy: 10 s.
    public static var recentTime: Duration { .seconds(10) }

    private static var smallestUsualLimit: Int { 4 << 10 }

    /// Nil if the facts allow none of the causes.
    init?(_ facts: Facts) {
        guard facts.reason == .closedByPeer || facts.reason == .resetByPeer else { return nil }
        guard facts.receivedByteCount == 0 else { return nil }
        let isRecent = facts.duration <= Self.recentTime
        let isFirst = isRecent || facts.takenMessageCount == 1
        let isReadWhole = facts.reason == .closedByPeer && facts.sentByteCount > 0 && facts.unsentMessageCount == 0
        causes = Cause.allCases.filter { cause in
            switch cause {
            case .framing: isFirst && facts.sentByteCount > 0
            case .messageSize: isFirst && facts.sentByteCount > Self.smallestUsualLimit
            case .refusal: isRecent && !isReadWhole
            }
        }
        if causes.isEmpty { return nil }
    }
}

extension UnansweredClose.Cause: CustomStringConvertible {
    /// The cause, to be read after "the server may".
    public var description: String {
        switch self {
        case .framing: "use another framing"
        case .messageSize: "have a smaller maximum of message bytes"
        case .refusal: "have refused this client"
        }
    }
}

extension UnansweredClose: CustomStringConvertible {
    /// One line: `nothing came back; the server may use another framing, or have refused this client (see its log)`.
    public var description: String {
        "nothing came back; the server may \(causes.map(\.description).joined(separator: ", or ")) (see its log)"
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

/// Whether a server or client accepts file descriptors with messages (`SCM_RIGHTS`, unix(7)), how many, and from whom.
///
/// ```swift
/// configuration.connection.framing = DescriptorFraming()
/// configuration.connection.descriptors = .accepted(perMessage: 1, from: .ownUserOrRoot)
/// ```
///
/// Sending descriptors needs no policy: see ``PipeConnection/send(_:descriptors:)-(Span<UInt8>,_)``.
public struct DescriptorPolicy: Hashable, Sendable {
    /// The limits of an endpoint that accepts descriptors.
    struct Acceptance: Hashable, Sendable {
        let perMessage: Int
        let perConnection: Int
        let perUser: Int
        let senders: AccessPolicy
    }

    /// Nil if none are accepted.
    let acceptance: Acceptance?

    /// No descriptors. The kernel refuses to carry them (`SO_PASSRIGHTS`, since Linux 6.16); before, a connection whose
    /// peer sends some ends with ``DisconnectReason/descriptorsReceived``.
    public static let refused = DescriptorPolicy(acceptance: nil)

    /// Descriptors with messages, within limits. The framing has to announce them, as ``DescriptorFraming`` does:
    /// anything else is a programmer error when the server or client is made.
    ///
    /// The limits of a connection and of a user count the descriptors *in flight*: received and not yet delivered,
    /// kept with a ``PipeMessage`` from which they were not taken, or still being closed by the library. A connection
    /// is read only while two messages' worth fits within both limits. So a peer that is merely fast has to wait, and
    /// one that sends more than it announced, or more than is allowed, ends with ``DisconnectReason/descriptors(_:)``.
    ///
    /// - Parameters:
    ///   - perMessage: the most that come with one message: 1 to 253. The default is 4.
    ///   - perConnection: the most that one connection has in flight. The default is 16; never less than twice
    ///     `perMessage`.
    ///   - perUser: the most that all connections of one user of this server or client have in flight. The default is
    ///     64; never less than `perConnection`.
    ///   - senders: the peers that may send them. From others, descriptors are refused as by ``refused``. The default
    ///     is ``AccessPolicy/ownUser``: a descriptor can occupy the thread that closes it for as long as its sender
    ///     likes.
    public static func accepted(
        perMessage: Int = 4, perConnection: Int = 16, perUser: Int = 64, from senders: AccessPolicy = .ownUser
    ) -> DescriptorPolicy {
        precondition((1...DescriptorFraming.maximumDescriptorCount).contains(perMessage), "perMessage is \(perMessage)")
        let perConnection = max(perConnection, 2 * perMessage)
        return DescriptorPolicy(
            acceptance: Acceptance(
                perMessage: perMessage, perConnection: perConnection, perUser: max(perUser, perConnection),
                senders: senders))
    }
}

extension DescriptorPolicy.Acceptance {
    /// Whether this peer may send descriptors.
    func admits(_ peer: PeerCredentials, groups: () throws(SystemError) -> [UInt32]) -> Bool {
        do {
            return try senders.admits(peer, ownUserID: CurrentProcess.userID, groups: groups)
        } catch {
            // A rule that cannot be evaluated admits no one.
            return false
        }
    }
}

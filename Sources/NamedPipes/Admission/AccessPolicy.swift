// SPDX-License-Identifier: Apache-2.0

/// The users and groups that are admitted at the other end: decided from ``PeerCredentials`` before a byte is read or
/// sent.
///
/// ```swift
/// configuration.permissions = .everyone
/// configuration.accessPolicy = .any(of: [.ownUserOrRoot, .users([1000]), .groups([44])])
/// ```
///
/// A policy only names the peers that *are* admitted. There is no "everybody but": a rule that could not be evaluated
/// would admit the very peers that it was to keep out. An empty combination admits no one.
///
/// The user at the moment of connecting counts, see ``PeerCredentials``. In a user namespace, all users that are not
/// mapped into it appear as the overflow user, usually 65534 (`user_namespaces(7)`), and likewise groups: a policy that
/// names that number admits all of them. A process that runs as that user there cannot distinguish its own user from
/// them: its ``ownUser`` is no one.
public struct AccessPolicy: Hashable, Sendable {
    private let rule: Rule

    private enum Rule: Hashable {
        case anyUser
        case ownUser
        case ownUserOrRoot
        case users(Set<UInt32>)
        case groups(Set<UInt32>)
        case any([AccessPolicy])
        case all([AccessPolicy])
    }

    /// Every user of the system, as far as the permissions of the name go; and peers that the kernel does not name
    /// (``PeerCredentials/unknown``).
    public static let anyUser = AccessPolicy(rule: .anyUser)

    /// Our own effective user (`geteuid(2)`): for a server, the one at the time when the server was made. Not even
    /// root.
    public static let ownUser = AccessPolicy(rule: .ownUser)

    /// Our own effective user, and root.
    public static let ownUserOrRoot = AccessPolicy(rule: .ownUserOrRoot)

    /// These users and no others. Our own user and root are not included unless named.
    ///
    /// - Parameter userIDs: numeric user IDs.
    public static func users(_ userIDs: Set<UInt32>) -> AccessPolicy { AccessPolicy(rule: .users(userIDs)) }

    /// Members of these groups, whether by their effective or a supplementary group.
    ///
    /// Supplementary groups are looked up (`SO_PEERGROUPS`) only if the effective group does not decide.
    ///
    /// - Parameter groupIDs: numeric group IDs.
    public static func groups(_ groupIDs: Set<UInt32>) -> AccessPolicy { AccessPolicy(rule: .groups(groupIDs)) }

    /// The users that at least one of the policies admits; none if there are no policies.
    public static func any(of policies: [AccessPolicy]) -> AccessPolicy { AccessPolicy(rule: .any(policies)) }

    /// The users that all of the policies admit; none if there are no policies.
    public static func all(of policies: [AccessPolicy]) -> AccessPolicy { AccessPolicy(rule: .all(policies)) }

    /// Whether a user is admitted, for tests and for decisions of your own.
    ///
    /// - Parameters:
    ///   - peer: the credentials.
    ///   - supplementaryGroupIDs: the groups besides the effective one; see ``PipeConnection/supplementaryGroupIDs()``.
    ///     The default is none.
    ///   - ownUserID: the user that `ownUser` means. The default, nil, is the effective user of this process.
    public func admits(
        _ peer: PeerCredentials, supplementaryGroupIDs: [UInt32] = [], ownUserID: UInt32? = nil
    ) -> Bool {
        admits(peer, ownUserID: ownUserID ?? CurrentProcess.userID) { supplementaryGroupIDs }
    }
}

extension AccessPolicy {
    /// The same, but looks up the supplementary groups only if they matter.
    func admits<Failure: Error>(
        _ peer: PeerCredentials, ownUserID: UInt32, groups: () throws(Failure) -> [UInt32]
    ) throws(Failure) -> Bool {
        guard peer.isKnown else { return admitsUnknownPeers }
        switch rule {
        case .anyUser: return true
        case .ownUser: return peer.userID == ownUserID
        case .ownUserOrRoot: return peer.userID == ownUserID || peer.userID == 0
        case .users(let users): return users.contains(peer.userID)
        case .groups(let admitted):
            guard !admitted.contains(peer.groupID) else { return true }
            return !admitted.isDisjoint(with: try groups())
        case .any(let policies):
            for policy in policies where try policy.admits(peer, ownUserID: ownUserID, groups: groups) { return true }
            return false
        case .all(let policies):
            for policy in policies where try !policy.admits(peer, ownUserID: ownUserID, groups: groups) { return false }
            return !policies.isEmpty
        }
    }

    /// Whether a peer is admitted that the kernel does not name: only if no rule asks who it is.
    var admitsUnknownPeers: Bool {
        switch rule {
        case .anyUser: true
        case .ownUser, .ownUserOrRoot, .users, .groups: false
        case .any(let policies): policies.contains(where: \.admitsUnknownPeers)
        case .all(let policies): !policies.isEmpty && policies.allSatisfy(\.admitsUnknownPeers)
        }
    }

    /// Whether only this user and root can be admitted: then no user needs protection from another.
    func admitsOnly(ownUserAndRoot ownUserID: UInt32) -> Bool {
        switch rule {
        case .anyUser, .groups: false
        case .ownUser, .ownUserOrRoot: true
        case .users(let users): users.isSubset(of: [ownUserID, 0])
        case .any(let policies): policies.allSatisfy { $0.admitsOnly(ownUserAndRoot: ownUserID) }
        case .all(let policies):
            policies.isEmpty || policies.contains { $0.admitsOnly(ownUserAndRoot: ownUserID) }
        }
    }
}

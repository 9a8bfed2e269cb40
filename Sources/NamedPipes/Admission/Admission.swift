// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The admission of clients: all decisions about a client before a byte of it is read. A value that receives the time
/// and the kernel's facts as arguments, so that it can be tested without sockets; ``PipeServer`` carries it out.
///
/// If only the server's own user and root are admitted and no limit per user is set, a decision is a few comparisons.
struct Admission: Sendable {
    /// The part of the rules that depends on a client alone.
    struct Rules: Sendable {
        fileprivate let policy: AccessPolicy
        fileprivate let ownUserID: UInt32

        /// Whether the policy admits a client.
        func admits<Failure: Error>(
            _ peer: PeerCredentials, groups: () throws(Failure) -> [UInt32]
        ) throws(Failure) -> Bool {
            try policy.admits(peer, ownUserID: ownUserID, groups: groups)
        }
    }

    private(set) var rules: Rules
    /// The maximum number of connections of the server.
    private(set) var capacity: Int
    /// The additional places for root if no maximum was configured, so that processes of the server's own user cannot
    /// lock root out.
    private var placesForRoot: Int
    private(set) var users: UserLimits

    init(_ configuration: PipeServer.Configuration, ownUserID: UInt32, descriptorLimit: Int) {
        let policy = configuration.accessPolicy
        rules = Rules(policy: policy, ownUserID: ownUserID)
        capacity = max(1, configuration.maximumConnectionCount ?? Self.capacity(of: descriptorLimit))
        let leavesRoom = configuration.maximumConnectionCount == nil && ownUserID != 0
        placesForRoot = leavesRoom ? max(0, descriptorLimit - capacity) / 8 : 0
        let perUser = configuration.maximumConnectionCountPerUser ?? Self.share(of: capacity, policy, ownUserID)
        users = UserLimits(
            maximumCount: perUser < capacity ? max(1, perUser) : nil, rate: configuration.connectRatePerUser)
    }

    /// Decides by another configuration from now on. The open connections stay, even if there are more of them than
    /// the new limits allow.
    mutating func follow(_ configuration: PipeServer.Configuration, descriptorLimit: Int) {
        let new = Admission(configuration, ownUserID: rules.ownUserID, descriptorLimit: descriptorLimit)
        (rules, capacity, placesForRoot) = (new.rules, new.capacity, new.placesForRoot)
        users.follow(new.users)
    }

    /// The reason to refuse a client, or nil.
    ///
    /// - Parameters:
    ///   - peer: the client's credentials.
    ///   - openCount: the number of open connections.
    ///   - now: the time, evaluated only if users' rates are limited.
    ///   - groups: the client's supplementary groups, evaluated only if they matter.
    mutating func refusal<Failure: Error>(
        of peer: PeerCredentials, openCount: Int, now: @autoclosure () -> SuspendingClock.Instant,
        groups: () throws(Failure) -> [UInt32]
    ) throws(Failure) -> ConnectionRefusal? {
        guard try rules.admits(peer, groups: groups) else { return .policy }
        return limitRefusal(of: peer, openCount: openCount, now: now())
    }

    /// The part of a decision that depends on the other clients: a limit that is reached, or nil.
    mutating func limitRefusal(
        of peer: PeerCredentials, openCount: Int, now: @autoclosure () -> SuspendingClock.Instant
    ) -> ConnectionRefusal? {
        guard openCount < capacity + (peer.userID == 0 ? placesForRoot : 0) else { return .connectionLimit }
        return users.refusal(of: peer.userID, at: now())
    }

    /// Whether there is a place for a client whom no rule about users concerns.
    func hasRoom(openCount: Int) -> Bool { openCount < capacity }

    mutating func didOpen(_ peer: PeerCredentials) { users.didOpen(peer.userID) }

    mutating func didClose(_ peer: PeerCredentials) { users.didClose(peer.userID) }

    /// The number of connections within a limit of descriptors: some descriptors are left for everything else that a
    /// process does.
    private static func capacity(of descriptorLimit: Int) -> Int {
        descriptorLimit - min(64, descriptorLimit / 4)
    }

    /// The share of one user if other users are admitted: a quarter, so that no user takes all places.
    private static func share(of capacity: Int, _ policy: AccessPolicy, _ ownUserID: UInt32) -> Int {
        policy.admitsOnly(ownUserAndRoot: ownUserID) ? capacity : max(128, capacity / 4)
    }
}

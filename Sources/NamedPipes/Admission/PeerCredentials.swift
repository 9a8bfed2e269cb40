// SPDX-License-Identifier: Apache-2.0

/// The user and process at the other end, according to the kernel (`SO_PEERCRED`, `unix(7)`).
///
/// This is a snapshot of the moment of connecting and never changes afterwards. The peer may since have changed its
/// user, executed another program or passed its end of the connection on; its permissions here still depend on the user
/// at that moment.
///
/// For a client, the peer is the process that called `listen(2)`: under socket activation that is the service manager.
public struct PeerCredentials: Hashable, Sendable {
    /// The effective user of the peer when it connected.
    public let userID: UInt32

    /// The effective group of the peer when it connected; without its supplementary groups.
    public let groupID: UInt32

    /// The process that connected. Advisory, for logs: it may have ended, and its ID may already mean another process.
    /// It is 0 if the process is not visible from this PID namespace.
    public let processID: Int32

    /// Creates credentials, for tests of code that uses them.
    ///
    /// - Parameters:
    ///   - userID: the effective user.
    ///   - groupID: the effective group.
    ///   - processID: the process.
    public init(userID: UInt32, groupID: UInt32, processID: Int32) {
        self.userID = userID
        self.groupID = groupID
        self.processID = processID
    }
}

extension PeerCredentials: CustomStringConvertible {
    /// The three numbers for a log: `uid 1000, gid 1000, pid 4711`; or `unknown peer`.
    public var description: String { isKnown ? "uid \(userID), gid \(groupID), pid \(processID)" : "unknown peer" }
}

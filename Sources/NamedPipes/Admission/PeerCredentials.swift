// SPDX-License-Identifier: Apache-2.0

/// The user and process at the other end, according to the kernel (`SO_PEERCRED`, `unix(7)`).
///
/// This is a snapshot of the moment of connecting and never changes afterwards. The peer may since have changed its
/// user, executed another program or passed its end of the connection on; what it may do here is decided by who it was.
///
/// Seen from a client, it is the process that called `listen(2)`: under socket activation that is the service manager.
public struct PeerCredentials: Hashable, Sendable {
    /// The effective user of the peer when it connected.
    public let userID: UInt32

    /// The effective group of the peer when it connected; its supplementary groups are not told.
    public let groupID: UInt32

    /// The process that connected. Advisory, for logs: it may have ended, and its number may already mean another
    /// process. It is 0 if the process is not visible from this PID namespace.
    public let processID: Int32

    /// Makes credentials, for tests of code that judges them.
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
    /// The three numbers for a log: `uid 1000, gid 1000, pid 4711`.
    public var description: String { "uid \(userID), gid \(groupID), pid \(processID)" }
}

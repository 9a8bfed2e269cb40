// SPDX-License-Identifier: Apache-2.0

/// The permissions of a socket file, in the terms of the file system (`chmod(2)`, `unix(7)`).
///
/// Connecting needs the **write** bit of the socket file and search permission on every directory above it; the read
/// bit means nothing. The mode is exact whatever the process's umask, from the first moment the name exists.
///
/// Abstract names have no file and thus no permissions.
public struct SocketPermissions: Hashable, Sendable {
    /// The nine permission bits, such as `0o600`. The owner's write bit is always among them.
    public let mode: UInt16

    /// The user who gets the file; nil leaves the server's own. Only root can give files away.
    public let userID: UInt32?

    /// The group that gets the file; nil leaves the choice to the file system.
    public let groupID: UInt32?

    /// Only the server's own user, and root: 0600. The default everywhere.
    public static let ownerOnly = SocketPermissions.mode(0o600)

    /// The server's own user and the members of a group: 0660. The members are admitted only if
    /// ``PipeServer/Configuration/accessPolicy`` admits them, such as ``AccessPolicy/groups(_:)``.
    ///
    /// - Parameter groupID: a group that the server's user is a member of, or any group for root.
    public static func group(_ groupID: UInt32) -> SocketPermissions {
        .mode(0o660, group: groupID)
    }

    /// Every user who may search the directories above: 0666. ``PipeServer/Configuration/accessPolicy`` chooses whom to
    /// admit: by default, still only the server's own user and root.
    public static let everyone = SocketPermissions.mode(0o666)

    /// Permissions of your choice.
    ///
    /// - Parameters:
    ///   - mode: permission bits. Bits other than the lower nine are ignored. The owner's write bit is added: without
    ///     it, the next start of the server could not check whether the name that it finds is still alive.
    ///   - userID: the user who gets the file, such as the only one who may connect to a server of root's. The default,
    ///     nil, leaves the server's own.
    ///   - groupID: the group that gets the file. The default, nil, leaves the choice to the file system.
    public static func mode(_ mode: UInt16, owner userID: UInt32? = nil, group groupID: UInt32? = nil)
        -> SocketPermissions
    {
        SocketPermissions(mode: mode & 0o777 | 0o200, userID: userID, groupID: groupID)
    }
}

extension SocketPermissions {
    /// The users to whom a server's file may belong: its own, and the configured one.
    var owners: [UInt32] {
        [CurrentProcess.userID, userID].compactMap(\.self).filter { $0 != CurrentProcess.overflowUserID }
    }
}

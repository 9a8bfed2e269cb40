// SPDX-License-Identifier: Apache-2.0

/// The conditions on which a name is taken.
struct NameClaim {
    /// The permissions of the socket file.
    var permissions = SocketPermissions.ownerOnly

    /// How many clients may wait to be accepted (`listen(2)`); the kernel's limit is `somaxconn`.
    var backlog: Int32

    /// Whether to trust a directory that others may write to or own.
    var allowsInsecureDirectory = false

    /// Whether peers may send descriptors through the sockets accepted there.
    var passesRights = false

    /// How long to wait for a live server to hand the name over; nil not to ask it.
    var takeOverTimeout: Duration?
}

extension PipeServer.Configuration {
    var nameClaim: NameClaim {
        NameClaim(
            permissions: permissions, backlog: backlog, allowsInsecureDirectory: allowsInsecureDirectory,
            passesRights: connection.descriptors != .refused,
            takeOverTimeout: existingServer == .takeOver ? takeOverTimeout : nil)
    }
}

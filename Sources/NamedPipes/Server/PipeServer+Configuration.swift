// SPDX-License-Identifier: Apache-2.0
public import PipeFraming

extension PipeServer {
    /// How a server listens, and how its connections behave.
    ///
    /// ```swift
    /// var configuration = PipeServer.Configuration(framing: DelimiterFraming.newline)
    /// configuration.permissions = .group(44)
    /// ```
    public struct Configuration: Sendable {
        /// Framing, limits and marks of every accepted connection.
        public var connection = PipeConnection.Configuration()

        /// Who may connect, in terms of the file's mode. The default is 0600: the server's own user, and root.
        ///
        /// Abstract names have no file and thus no permissions.
        public var permissions = SocketPermissions.ownerOnly

        /// How many clients may wait in the kernel's queue (`listen(2)`); the kernel caps it at
        /// `net.core.somaxconn`. The default is 4,096.
        public var backlog: Int32 = 4096

        /// Whether a directory is taken that others may write to, or that belongs to neither this user nor root.
        /// Whoever can write there can put another socket in the name's place. The default is false.
        public var allowsInsecureDirectory = false

        /// How many clients are accepted in one turn of the loop, before the others are served again. The default is 64.
        public var acceptsPerTurn = 64

        /// The defaults, with the given framing.
        ///
        /// - Parameter framing: the default is a 4-byte big-endian length.
        public init(framing: any MessageFraming = LengthPrefixFraming()) {
            connection.framing = framing
        }
    }
}

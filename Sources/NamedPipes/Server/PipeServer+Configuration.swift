// SPDX-License-Identifier: Apache-2.0
public import PipeFraming

extension PipeServer {
    /// How a server listens, and how its connections behave.
    ///
    /// ```swift
    /// var configuration = PipeServer.Configuration(framing: DelimiterFraming.newline)
    /// configuration.permissions = .group(44)
    /// configuration.accessPolicy = .any(of: [.ownUserOrRoot, .groups([44])])
    /// ```
    public struct Configuration: Sendable {
        /// Framing, limits and marks of every accepted connection.
        public var connection = PipeConnection.Configuration()

        /// The users who may connect, in terms of the file's mode. The default is 0600: the server's own user, and
        /// root.
        ///
        /// Abstract names have no file and thus no permissions.
        public var permissions = SocketPermissions.ownerOnly

        /// The peers that are admitted, of those that the permissions let through. Decided at each accept from the
        /// kernel's credentials, before a byte is read. The default is the server's own user and root, even if the
        /// permissions are wider, and also for abstract names, which have none.
        public var accessPolicy = AccessPolicy.ownUserOrRoot

        /// The maximum number of connections. Further clients are refused. At least 1; the default is nil: as many as
        /// the process's limit of descriptors (`RLIMIT_NOFILE`, when the server is made) has room for, less 64, or less
        /// a quarter of the limit if that is fewer.
        ///
        /// Of these 64, root may have eight, so that an administrator can still query a server whose own user has taken
        /// all other places. To reserve places for root under a limit that you set, set
        /// ``maximumConnectionCountPerUser`` below it.
        public var maximumConnectionCount: Int?

        /// The maximum number of connections of each user. At least 1; the default is nil: no limit, if only the
        /// server's own user and root are admitted; otherwise a quarter of ``maximumConnectionCount``, but at least
        /// 128.
        ///
        /// A person who owns many user IDs (`subuid(5)`) counts as many users.
        public var maximumConnectionCountPerUser: Int?

        /// How often each user may connect. The default is nil: there is no limit.
        public var connectRatePerUser: ConnectRate?

        /// How many clients may wait in the kernel's queue (`listen(2)`); the kernel caps it at
        /// `net.core.somaxconn`. The default is 4,096.
        public var backlog: Int32 = 4096

        /// Whether to accept a directory on the path that others may write to, or that belongs to neither this user nor
        /// root. Other users can then replace the name with a socket of their own. The default is false: every
        /// directory from `/` down is checked. See <doc:Design#Names>.
        public var allowsInsecureDirectory = false

        /// What to do if a live server already has the name. The default is to refuse to start.
        public var existingServer = ExistingServer.refuse

        /// How long starting waits for a live server to hand its name over, before it fails with
        /// ``PipeError/takeOverTimedOut(_:holder:)``. The default is 5 s.
        public var takeOverTimeout: Duration = .seconds(5)

        /// How long connections may take to end after a successor has taken the name over; see
        /// ``PipeServer/stop(gracePeriod:)``. The default is 5 s.
        public var handOverGrace: Duration = .seconds(5)

        /// What to do when the name is lost to a process that did not ask for it. The default is to report it.
        public var nameLoss = NameLossPolicy.report

        /// The interval between attempts to publish a lost name again. Ten seconds, except in tests.
        package var republishInterval = Duration.seconds(10)

        /// How many clients are accepted in one turn of the loop, before other connections are served again. The
        /// default is 64.
        public var acceptsPerTurn = 64

        /// The bytes that all connections together may hold of partial messages and have queued, measured by the
        /// capacity of the memory. The default is 1 GiB; nil means no limit.
        ///
        /// If it is exhausted, the connection that has the most of it ends with
        /// ``DisconnectReason/budgetExceeded(_:)``, rather than the next one that asks. A connection that needs more
        /// memory to receive waits, about a tenth of a second at most for each connection that has more than twice as
        /// much. A message to send that does not fit into the socket is refused with
        /// ``PipeError/budgetExceeded(_:)``, or treated as the slow-reader policy says. If no connection has more than
        /// those that ask, and there is still no room by then, one of them ends. Every connection may have 5 KiB in any
        /// case, so that small messages always get through.
        ///
        /// A message that is in several queues without being copied counts in each of them.
        public var byteBudget: Int? = 1 << 30

        /// As ``byteBudget``, for one connection: how much it may hold of partial messages, and the same amount again
        /// for its queue. A connection that needs more to receive ends with ``DisconnectReason/budgetExceeded(_:)``; a
        /// message to send is refused. The default is nil: a sixteenth of ``byteBudget``, or the largest message and 2
        /// MiB if that is more.
        public var byteBudgetPerConnection: Int?

        /// As ``byteBudget``, for all connections of one user (`SO_PEERCRED` at the connect). The default is nil: all
        /// of ``byteBudget`` if only the server's own user and root are admitted, otherwise a quarter of it.
        public var byteBudgetPerUser: Int?

        /// The defaults, with the given framing.
        ///
        /// - Parameter framing: the default is a 4-byte big-endian length.
        public init(framing: any MessageFraming = LengthPrefixFraming()) {
            connection.framing = framing
        }
    }
}

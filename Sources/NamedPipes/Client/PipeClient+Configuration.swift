// SPDX-License-Identifier: Apache-2.0
public import PipeFraming

extension PipeClient {
    /// How a client connects, and how its connection behaves.
    public struct Configuration: Sendable {
        /// Framing, limits and marks of the connection. Automatic back-pressure is off for clients.
        public var connection = PipeConnection.Configuration()

        /// How long connecting may take, all attempts and waiting included. The default is 5 s; nil means for ever.
        public var connectTimeout: Duration? = .seconds(5)

        /// Whether to wait, until the timeout, for a server to appear where there is none. The directory is watched
        /// (`inotify(7)`), not polled. The default is false: without a server, connecting fails at once.
        public var waitsForServer = false

        /// Whether and how to connect again after an established connection was lost. The default is nil: not.
        public var reconnection: Reconnection?

        /// Whom the server has to be run by, or the client hangs up before it has sent a byte and fails with
        /// ``PipeError/peerRefused(_:)``: somebody else could have taken the name. It does not try again then, also not
        /// with ``reconnection``.
        ///
        /// The default is nil: for a name in the runtime directory (``PipeAddress/runtime(_:)``), our own user or root,
        /// who alone can make a name there; anybody for other names. Say ``AccessPolicy/anyUser`` to require nothing,
        /// and `.users([27])` to require one user, as PostgreSQL's `requirepeer` does.
        ///
        /// What counts is who called `listen(2)`: under socket activation that is the service manager's user.
        public var requiredPeer: AccessPolicy?

        /// What happens to messages that `send` accepted and that never left, or that are sent while there is no
        /// connection. The default is ``UnsentMessages/discard``.
        public var unsentMessages = UnsentMessages.discard

        /// The defaults, with the given framing.
        ///
        /// - Parameter framing: the default is a 4-byte big-endian length.
        public init(framing: any MessageFraming = LengthPrefixFraming()) {
            connection.framing = framing
            connection.pausesReceivingAboveHighWaterMark = false
        }
    }

    /// What happens to messages for which there is no connection.
    public enum UnsentMessages: Hashable, Sendable {
        /// `send` throws ``PipeError/notConnected`` while there is no connection. What a lost connection had still
        /// queued is gone; ``PipeConnection/unsentMessageCount`` says how much that was.
        case discard

        /// Messages wait for the next connection, up to ``PipeConnection/Configuration/sendQueueLimit``, and leave
        /// first on it, in order. Of what a lost connection had queued, that is every message of which not one byte had
        /// been handed to the kernel. Others are never sent twice: of those it cannot be known whether they were read.
        case keep
    }

    /// How to connect again after a connection was lost: with delays that grow, spread at random so that many clients
    /// do not come back in waves.
    public struct Reconnection: Hashable, Sendable {
        /// The delay before the first attempt. The default is 50 ms.
        public var initialDelay: Duration = .milliseconds(50)

        /// The longest delay. The default is 5 s. A connection that lasted at least that long starts over at the
        /// initial delay.
        public var maximumDelay: Duration = .seconds(5)

        /// How much longer each delay is than the one before. The default is 2.
        public var multiplier = 2.0

        /// The part of each delay that is random, from 0 to 1. The default is 0.5: between half the delay and all of
        /// it.
        public var jitter = 0.5

        /// How many attempts in a row may fail before the client gives up. The default is nil: no limit.
        public var maximumAttemptCount: Int?

        /// The defaults.
        public init() {}
    }
}

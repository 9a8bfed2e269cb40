// SPDX-License-Identifier: Apache-2.0
public import PipeFraming

extension PipeClient {
    /// How a client connects, and how its connection behaves.
    public struct Configuration: Sendable {
        /// Framing, limits and marks of the connection. Automatic back-pressure is off for clients.
        public var connection = PipeConnection.Configuration()

        /// How long connecting may take, all attempts and waiting included. The default is 5 s; nil means for ever.
        public var connectTimeout: Duration? = .seconds(5)

        /// Whether to wait, until the timeout, for a missing server to appear. The directory is watched (`inotify(7)`),
        /// not polled. The default is false: without a server, connecting fails at once.
        public var waitsForServer = false

        /// Whether and how to connect again after an established connection was lost. The default is nil: the client
        /// does not.
        public var reconnection: Reconnection?

        /// The users that may run the server. If it runs as any other user, which could have taken the name, the client
        /// hangs up before it has sent a byte, fails with ``PipeError/peerRefused(_:)``, and does not try again, not
        /// even with ``reconnection``.
        ///
        /// The default is nil. For a name in the runtime directory (``PipeAddress/runtime(_:)``), it means our own user
        /// or root, because only these two can make a name there; for other names, any user. Say
        /// ``AccessPolicy/anyUser`` to require nothing, and `.users([27])` to require one user, as PostgreSQL's
        /// `requirepeer` does.
        ///
        /// The user that counts is the one that called `listen(2)`: under socket activation that is the service
        /// manager's.
        public var requiredPeer: AccessPolicy?

        /// What happens to messages that `send` accepted but that were not sent, or that are sent while there is no
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
        /// `send` throws ``PipeError/notConnected(_:)`` while there is no connection. The messages that were queued
        /// when a connection was lost are gone; ``PipeConnection/unsentMessageCount`` is their number.
        case discard

        /// Messages wait for the next connection, up to ``PipeConnection/Configuration/sendQueueLimit``, and are sent
        /// first on it, in order. Of the queue of a lost connection, the client keeps every message of which not one
        /// byte reached the kernel. All others are never sent again, because the peer may have read them.
        case keep
    }

    /// How to connect again after a connection was lost: with growing delays, partly random so that many clients do not
    /// return in waves.
    public struct Reconnection: Hashable, Sendable {
        /// The delay before the first attempt. The default is 50 ms.
        public var initialDelay: Duration = .milliseconds(50)

        /// The longest delay. The default is 5 s. A connection that lasted at least that long starts over at the
        /// initial delay.
        public var maximumDelay: Duration = .seconds(5)

        /// The factor by which each delay exceeds the previous one. The default is 2.
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

// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// One connection of a server, as its ``StatisticsEndpoint`` reports it.
///
/// What a connection has carried, and when, is known only if the server's
/// `PipeConnection.Configuration.keepsStatistics` is set; otherwise these members are nil, and absent in JSON. Later
/// versions may add members.
public struct ConnectionSnapshot: Codable, Hashable, Sendable, Identifiable {
    /// The connection's identifier, such as `17.1`, as logs have it. In a pool, the worker's number and a slash come
    /// first: `2/17.1`.
    public var id: String

    /// The peer's user; nil if the peer is unknown, as over TCP.
    public var userID: UInt32?

    /// The process that connected; nil if it is unknown. Advisory: it may have ended since.
    public var processID: Int32?

    /// The number of messages that wait to be sent.
    public var queuedMessageCount: Int

    /// The number of bytes that wait to be sent.
    public var queuedByteCount: Int

    /// For how long the connection has been open, in seconds.
    public var ageSeconds: Double?

    /// For how long no bytes have gone in either direction, in seconds.
    public var idleSeconds: Double?

    /// The number of messages received.
    public var receivedMessageCount: Int?

    /// The number of bytes received.
    public var receivedByteCount: Int?

    /// The number of messages that the kernel took completely.
    public var sentMessageCount: Int?

    /// The number of bytes that the kernel took.
    public var sentByteCount: Int?

    /// Creates a connection of which nothing else is known, for tests.
    public init(id: String, queuedMessageCount: Int, queuedByteCount: Int) {
        self.id = id
        self.queuedMessageCount = queuedMessageCount
        self.queuedByteCount = queuedByteCount
    }
}

extension ConnectionSnapshot {
    /// On the connection's thread.
    init(of connection: PipeConnection, worker: Int?, at now: SuspendingClock.Instant) {
        id = Self.id(of: connection.id, worker: worker)
        let peer = connection.peer
        if peer != .unknown {
            userID = peer.userID
            processID = peer.processID == 0 ? nil : peer.processID
        }
        queuedMessageCount = connection.queuedMessageCount
        queuedByteCount = connection.pendingByteCount
        guard let traffic = connection.statistics else { return }
        ageSeconds = max(0, (now - traffic.openedAt) / .seconds(1))
        idleSeconds = max(0, (now - traffic.lastActiveAt) / .seconds(1))
        receivedMessageCount = traffic.receivedMessageCount
        receivedByteCount = traffic.receivedByteCount
        sentMessageCount = traffic.sentMessageCount
        sentByteCount = traffic.sentByteCount
    }

    /// ``id`` of a connection of a server, or of a pool's worker.
    static func id(of connection: PipeConnection.ID, worker: Int?) -> String {
        worker.map { "\($0)/\(connection)" } ?? "\(connection)"
    }
}

/// Some of a server's connections, those that come first in an order.
public struct ConnectionList: Codable, Hashable, Sendable {
    /// How many connections the server has.
    public var totalCount: Int

    /// The clock of ``ServerSnapshot/seconds``, for rates between two lists.
    public var seconds: Double

    /// The first ones.
    public var connections: [ConnectionSnapshot]

    /// Creates a list, for tests.
    public init(totalCount: Int, seconds: Double, connections: [ConnectionSnapshot]) {
        self.totalCount = totalCount
        self.seconds = seconds
        self.connections = connections
    }

    /// Which connections come first. Those of which nothing is known come last, and among equals the one with the
    /// smaller identifier.
    public enum Order: String, Codable, CaseIterable, Sendable {
        /// Those with most bytes to send.
        case queued
        /// Those that have sent most bytes to the server.
        case received
        /// Those to which most bytes were sent.
        case sent
        /// Those that have been idle for longest.
        case idle
        /// The oldest.
        case age

        func key(_ connection: ConnectionSnapshot) -> Double {
            switch self {
            case .queued: Double(connection.queuedByteCount)
            case .received: connection.receivedByteCount.map(Double.init) ?? -1
            case .sent: connection.sentByteCount.map(Double.init) ?? -1
            case .idle: connection.idleSeconds ?? -1
            case .age: connection.ageSeconds ?? -1
            }
        }
    }

    /// An answer has no more connections than this.
    public static let maximumCount = 1000
}

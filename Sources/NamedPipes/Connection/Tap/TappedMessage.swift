// SPDX-License-Identifier: Apache-2.0

/// What a ``MessageTap`` knows of one message. Its bytes are in the ``TapBatch`` that it belongs to.
package struct TappedMessage: Sendable {
    /// The two ways of a server's connection. Reports of a tap have it as a text.
    package enum Direction: String, CaseIterable, Codable, Sendable {
        case toServer, toClient
    }

    /// Its number among the messages that the tap wants, lost ones included. The first is 0.
    package let sequence: UInt64

    /// When it was seen, in nanoseconds since 1970 (`CLOCK_REALTIME`, clock_gettime(2)).
    package let nanoseconds: Int64

    /// The number of the worker that serves the connection; nil outside of a pool.
    package let worker: Int?

    package let connection: PipeConnection.ID
    package let peer: PeerCredentials
    package let direction: Direction

    /// The size of the whole message.
    package let byteCount: Int

    /// Where its bytes are: all of them, or the first ones.
    fileprivate let content: Range<Int>
}

/// Which messages a ``MessageTap`` wants: those that have all properties that are set.
package struct TapFilter: Sendable {
    package var connection: PipeConnection.ID?
    package var userID: UInt32?
    package var processID: Int32?
    package var direction: TappedMessage.Direction?

    /// Creates a filter; the default admits all messages. No unknown peer has a user or a process.
    package init(
        connection: PipeConnection.ID? = nil, userID: UInt32? = nil, processID: Int32? = nil,
        direction: TappedMessage.Direction? = nil
    ) {
        self.connection = connection
        self.userID = userID
        self.processID = processID
        self.direction = direction
    }

    func admits(_ direction: TappedMessage.Direction, of connection: PipeConnection) -> Bool {
        if let wanted = self.direction, wanted != direction { return false }
        if let wanted = self.connection, wanted != connection.id { return false }
        if userID == nil, processID == nil { return true }
        let peer = connection.peer
        guard peer != .unknown else { return false }
        return (userID ?? peer.userID) == peer.userID && (processID ?? peer.processID) == peer.processID
    }
}

/// Messages in the order in which they went by, and their bytes.
package struct TapBatch: Sendable {
    package private(set) var messages: [TappedMessage] = []

    /// How many messages went by unseen behind the last of these, because there was no room for them.
    package internal(set) var lostCount = 0

    // One behind the other, so that a message costs no allocation.
    private var bytes: [UInt8] = []

    /// The memory that it needs.
    var byteCount: Int { bytes.count + messages.count * MemoryLayout<TappedMessage>.stride }

    var isEmpty: Bool { messages.isEmpty && lostCount == 0 }

    /// The bytes of one of the messages: all of them, or the first ones if the tap has a limit.
    package func content(of message: TappedMessage) -> ArraySlice<UInt8> { bytes[message.content] }

    /// Appends a message with its first bytes.
    mutating func append(
        _ message: Span<UInt8>, first count: Int, _ direction: TappedMessage.Direction, of connection: PipeConnection,
        worker: Int?, sequence: UInt64
    ) {
        let start = bytes.count
        unsafe message.extracting(first: count).withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        messages.append(
            TappedMessage(
                sequence: sequence, nanoseconds: WallClock.nanoseconds, worker: worker, connection: connection.id,
                peer: connection.peer, direction: direction, byteCount: message.count, content: start..<bytes.count))
    }
}

// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes

/// The numbers of a session: what may be sent, what has to arrive next, and how long the other end has been silent. A
/// value, so that it can be tested without a broker or a clock.
///
/// NATS delivers at most once and says nothing about what it drops. So three things are counted:
///
/// - **Pieces.** A number that is not the expected one means that a piece was lost, and ends the session.
/// - **Bytes.** The sender never has more than the other end's window on the way or unread there. A slow reader
///   therefore stops the sender, and nothing piles up in the broker.
/// - **Ticks** of the link's timer, of which there are ten in the session's time limit. Time is not measured: a loop
///   that was held up sees one tick, however long that took, and reads what has arrived before the next one.
struct SessionFlow {
    // Sending.
    private var nextSequence: UInt64 = 0
    private var sentByteCount: UInt64 = 0
    private var creditedByteCount: UInt64 = 0
    private let peerWindow: UInt64
    private var ticksSinceSending = 0

    // Receiving.
    private var expectedSequence: UInt64 = 0
    private var receivedByteCount: UInt64 = 0
    private var consumedByteCount: UInt64 = 0
    private var announcedByteCount: UInt64 = 0
    private let window: UInt64
    private(set) var ticksSinceReceiving = 0

    /// How many ticks there are in the time limit of a session.
    static let ticksPerTimeout = 10
    /// The other end is given up at the ninth tick without a piece: after more than eight tenths of the limit, and
    /// before its end.
    static let silenceLimit = 9
    /// A heartbeat is sent at the second tick without a piece of our own.
    static let heartbeatInterval = 2

    /// - Parameters:
    ///   - window: how many bytes may be on the way to this end or unread here.
    ///   - peerWindow: the same of the other end.
    init(window: UInt32, peerWindow: UInt32) {
        self.window = UInt64(window)
        self.peerWindow = UInt64(peerWindow)
    }

    // MARK: Sending

    /// How many bytes the other end has room for.
    var room: Int { Int(peerWindow - min(peerWindow, sentByteCount - creditedByteCount)) }

    /// Whether the other end has yet to consume bytes, as far as it has said.
    var isAnythingUnread: Bool { creditedByteCount < sentByteCount }

    /// The header of a piece that is sent now.
    ///
    /// - Parameter byteCount: how many bytes of the stream it carries.
    mutating func send(_ kind: Piece.Kind, byteCount: Int = 0) -> Piece {
        let piece = Piece(kind, sequence: nextSequence, consumedByteCount: consumedByteCount)
        if kind.isNumbered { nextSequence += 1 }
        sentByteCount += UInt64(byteCount)
        announcedByteCount = consumedByteCount
        ticksSinceSending = 0
        return piece
    }

    // MARK: Receiving

    /// A piece has arrived, in a state in which the session expects pieces.
    ///
    /// - Returns: why the session ends; nil if everything is as it should be.
    mutating func receive(_ piece: Piece, byteCount: Int) -> SessionLoss? {
        ticksSinceReceiving = 0
        guard piece.sequence == expectedSequence else { return .pieceLost }
        guard piece.consumedByteCount >= creditedByteCount, piece.consumedByteCount <= sentByteCount else {
            return .malformed
        }
        creditedByteCount = piece.consumedByteCount
        if piece.kind.isNumbered { expectedSequence += 1 }
        guard piece.kind == .data else { return nil }
        receivedByteCount += UInt64(byteCount)
        return receivedByteCount - consumedByteCount <= window ? nil : .malformed
    }

    /// The connection has taken bytes.
    ///
    /// - Returns: whether to tell the other end now: half of the window has become free since it was last told.
    mutating func consume(_ byteCount: Int) -> Bool {
        consumedByteCount += UInt64(byteCount)
        return consumedByteCount - announcedByteCount >= max(window / 2, 1)
    }

    // MARK: Time

    enum Tick: Equatable {
        case nothing, sendHeartbeat, giveUp
    }

    /// A tenth of the time limit has passed.
    mutating func tick() -> Tick {
        ticksSinceReceiving += 1
        ticksSinceSending += 1
        if ticksSinceReceiving >= Self.silenceLimit { return .giveUp }
        return ticksSinceSending >= Self.heartbeatInterval ? .sendHeartbeat : .nothing
    }
}
#endif

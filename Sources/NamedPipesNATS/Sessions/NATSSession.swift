// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import Glibc
internal import NamedPipes
internal import PipeReactor

/// One end of a session, in the role of a connected socket: a stream of bytes each way, in pieces, through the broker.
///
/// It behaves as Linux does with a Unix socket, above all at the end: bytes before errors; `ECONNRESET` once if the
/// peer closed with unread bytes, then the end of the stream; `EPIPE` for a write to a peer that is gone. Unlike a
/// socket, it can be lost without a word: numbers and heartbeats notice that, and it ends with a `SessionLoss`.
final class NATSSession {
    let token: SessionToken
    /// Who the other end is, as far as that is known.
    let peer: NATSPeer

    private weak var link: NATSLink?
    /// Whether this end has answered the opening, and the connection does not exist yet.
    private var isAcceptDue: Bool
    private let reactor: Reactor
    /// Where the other end receives, ending in zero.
    let peerInbox: [UInt8]
    private let ownInbox: [UInt8]
    private var flow: SessionFlow
    private weak var handler: (any ByteStreamHandler)?

    // Bytes that have arrived and were not read.
    private var inbox = ReceivedBytes()
    private var isInputFinished = false
    private(set) var isPeerGone = false
    private var isResetPending = false
    private var hasFinishedSending = false
    private(set) var isClosed = false
    private(set) var loss: SessionLoss?

    private var isScheduled = false
    private var hasNewsOfHangUp = false

    /// - Parameters:
    ///   - peerInbox: where the other end receives, ending in zero.
    ///   - offer: the other end's.
    ///   - isServer: whether this end answers the opening: with an accept once there is a connection, or with a refusal
    ///     if the session is closed before.
    init(
        _ link: NATSLink, _ token: SessionToken, _ peer: NATSPeer, inbox peerInbox: [UInt8], _ offer: SessionOffer,
        isServer: Bool
    ) {
        self.link = link
        isAcceptDue = isServer
        self.token = token
        self.peer = peer
        self.peerInbox = peerInbox
        ownInbox = link.inbox(of: token)
        reactor = link.reactor
        flow = SessionFlow(window: link.offer.window, peerWindow: offer.window)
        link.sessions.insert(self)
        link.watchSessions()
    }

    /// How many bytes have arrived and were not read.
    var unreadByteCount: Int { inbox.count }

    /// How many ticks ago the last piece arrived.
    var silentTickCount: Int { flow.ticksSinceReceiving }

    /// Whether it is the stream of a connection.
    func serves(_ connection: PipeConnection) -> Bool { handler === connection }

    // MARK: What arrives

    /// A piece for this session.
    ///
    /// - Returns: whether the connection has to be told.
    func receive(_ piece: Piece, _ payload: Span<UInt8>) -> Bool {
        guard !isClosed, loss == nil, !isPeerGone else { return false }
        if piece.kind == .reset {
            lose(.unknownSession)
            return true
        }
        if let loss = flow.receive(piece, byteCount: payload.count) {
            end(loss)
            return true
        }
        switch piece.kind {
        case .data where isInputFinished: end(.malformed)
        case .data: inbox.append(payload)
        case .finish: isInputFinished = true
        case .close: peerDidClose(isReset: payload.count > 0 && payload[0] != 0)
        case .credit, .heartbeat: return handler?.awaitsOutput ?? false
        case .accept, .refuse: end(.malformed)
        case .reset: break
        }
        return true
    }

    private func peerDidClose(isReset: Bool) {
        isInputFinished = true
        isPeerGone = true
        isResetPending = isReset
        hasNewsOfHangUp = true
    }

    /// A tenth of the time limit has passed.
    func tick() {
        guard !isClosed, loss == nil, !isPeerGone else { return }
        switch flow.tick() {
        case .nothing: break
        case .sendHeartbeat: link?.publish(flow.send(.heartbeat), to: peerInbox, reply: ownInbox)
        case .giveUp: end(.silent)
        }
    }

    // MARK: The end without a word

    /// Ends the session, and tells the other end, which may still be there.
    func end(_ loss: SessionLoss) {
        link?.publish(Piece(.reset), to: peerInbox)
        lose(loss)
    }

    /// Ends the session. The connection reads what has arrived before it learns of that.
    func lose(_ loss: SessionLoss) {
        guard !isClosed, !isPeerGone, self.loss == nil else { return }
        self.loss = loss
        peerDidClose(isReset: true)
        schedule()
    }

    /// There may be something to dispatch, in a later turn.
    func schedule() {
        guard !isScheduled, !isClosed else { return }
        isScheduled = true
        reactor.runAtEndOfTurn(self)
    }
}

extension NATSSession: PipeTransport {
    func attach(to handler: any ByteStreamHandler) {
        self.handler = handler
        if isAcceptDue, let link {
            isAcceptDue = false
            var offer: [UInt8] = []
            link.offer.append(to: &offer)
            link.publish(Piece(.accept), to: peerInbox, reply: ownInbox, offer.span)
        }
        schedule()
    }

    func receive(atMost count: Int) throws(SystemError) -> ReadOutcome<ArraySlice<UInt8>> {
        if inbox.count > 0 {
            let bytes = inbox.removeFirst(count)
            if flow.consume(bytes.count), !isPeerGone { link?.publish(flow.send(.credit), to: peerInbox) }
            return .content(bytes)
        }
        if isResetPending {
            isResetPending = false
            throw SystemError(call: "recv", code: ECONNRESET)
        }
        return isInputFinished ? .end : .wouldBlock
    }

    func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int? {
        guard let link, !isPeerGone, !hasFinishedSending else { throw SystemError(call: "send", code: EPIPE) }
        let count = min(bytes.count, room)
        guard count > 0 else { return nil }
        link.publish(flow.send(.data, byteCount: count), to: peerInbox, bytes.extracting(first: count))
        return count
    }

    /// How many bytes may be sent in one piece now.
    private var room: Int {
        guard let line = link?.line, line.hasRoom() else { return 0 }
        return min(flow.room, line.pieceByteCount)
    }

    func finishSending() {
        guard !hasFinishedSending, !isPeerGone, !isClosed else { return }
        hasFinishedSending = true
        link?.publish(flow.send(.finish), to: peerInbox)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        handler = nil
        if isAcceptDue {
            let reason: [UInt8] = [SessionRefusal.notAdmitted.rawValue]
            link?.publish(Piece(.refuse), to: peerInbox, reason.span)
        } else if !isPeerGone {
            let hasUnread: [UInt8] = [inbox.count > 0 ? 1 : 0]
            link?.publish(flow.send(.close), to: peerInbox, hasUnread.span)
        }
        link?.sessions.remove(token)
    }

    var hangUp: PeerHangUp? {
        if isPeerGone { return isResetPending ? .reset : .clean }
        return isInputFinished && hasFinishedSending ? .clean : nil
    }

    /// As of the last word of the other end, which sends one at least with each heartbeat.
    var hasUnreadOutput: Bool? { flow.isAnythingUnread }

    var failure: DisconnectReason? { loss.map(DisconnectReason.sessionLost) }

    func interestDidChange() { schedule() }
}

extension NATSSession: TurnWork {
    private var hasInput: Bool { inbox.count > 0 || isInputFinished }

    /// Reports events as epoll does: input for as long as there is some, room once it is asked for, a hang-up once.
    func runInTurn() {
        isScheduled = false
        guard !isClosed, let handler else { return }
        if handler.awaitsInput, hasInput {
            handler.handle(isInputFinished ? [.readable, .peerFinished] : .readable)
        }
        guard !isClosed else { return }
        let isWritable = handler.awaitsOutput && (isPeerGone || room > 0)
        if isWritable || (handler.awaitsHangUp && hasNewsOfHangUp) {
            hasNewsOfHangUp = false
            handler.handle(.writable)
        }
        guard !isClosed else { return }
        if handler.awaitsInput && hasInput || handler.awaitsOutput && room > 0 { schedule() }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes
internal import PipeReactor

// From a message of the broker to the session that it is meant for, and from a session to the broker.

extension NATSLink {
    // MARK: In

    /// A message at the link's inbox.
    func receive(_ message: borrowing BrokerMessage) {
        guard let token = message.token else { return }
        if let body = readMarks.removeValue(forKey: token) { return body() }
        let reply = message.reply
        message.withContent { content in
            // Not a piece: somebody else's message. Nothing of a session can be in it.
            guard let piece = Piece(parsing: content) else { return noteMalformed(token) }
            let payload = content.extracting(droppingFirst: Piece.headerByteCount)
            if let session = sessions.session(token) {
                if session.receive(piece, payload) { sessions.touch(session) }
            } else if let dial = sessions.dial(token) {
                dial.receive(piece, payload, reply: reply)
            } else {
                answerStranger(piece, reply)
            }
        }
    }

    private func noteMalformed(_ token: SessionToken) {
        sessions.session(token)?.end(.malformed)
    }

    /// A session that does not exist here: it has ended, or this process is another than the one that had it. The other
    /// end should know at once. A reset is never answered, so that two ends cannot answer each other for ever.
    private func answerStranger(_ piece: Piece, _ reply: [UInt8]) {
        guard !reply.isEmpty, piece.kind == .heartbeat || piece.kind == .accept else { return }
        publish(Piece(.reset), to: reply)
    }

    /// Dispatches what the last read brought, in the same turn.
    func dispatchTouched() {
        for session in sessions.takeTouched() { session.runInTurn() }
    }

    // MARK: Out

    /// Publishes a piece. An error means that the connection has ended, which is reported apart; a message that is too
    /// large cannot be made here.
    func publish(_ piece: Piece, to subject: [UInt8], reply: [UInt8] = [], _ payload: Span<UInt8> = Span()) {
        var message: [UInt8] = []
        message.reserveCapacity(Piece.headerByteCount + payload.count)
        piece.append(to: &message)
        message.append(contentsOf: [UInt8](copying: payload))
        publish(message, to: subject, reply: reply)
    }

    func publish(_ message: [UInt8], to subject: [UInt8], reply: [UInt8] = []) {
        guard let line else { return }
        do {
            try line.connection.publish(to: subject, reply: reply, message)
        } catch {
            report(.refused(error))
        }
        schedule()
    }

    /// The inbox of a session, ending in zero.
    func inbox(of token: SessionToken) -> [UInt8] { Array("\(inbox)\(token)".utf8) + [0] }

    var offer: SessionOffer {
        SessionOffer(
            window: UInt32(clamping: max(configuration.sessionWindow, 1)), claim: configuration.name)
    }

    // MARK: Time

    /// Starts the timer of the sessions, unless it runs.
    func watchSessions() {
        guard sessions.timer == nil else { return }
        let interval = max(configuration.sessionTimeout, .milliseconds(10)) / SessionFlow.ticksPerTimeout
        sessions.timer = reactor.schedule(after: interval, repeating: interval) { [weak self] in self?.tick() }
    }

    private func tick() {
        for session in sessions.open { session.tick() }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import var Glibc.ECONNREFUSED
internal import NamedPipes
internal import PipeReactor

/// The owner of an opening: a client.
protocol SessionOpener: AnyObject {
    var address: PipeAddress { get }
    var waitsForServer: Bool { get }

    func dial(_ dial: any PendingDial, didEndWith outcome: DialOutcome)
    func dial(_ dial: any PendingDial, didFailWith error: SystemError)
}

extension PipeClient: SessionOpener {}

/// A client's opening that waits: for the link to be connected, then for the answer of a server.
final class SessionDial {
    /// The session's name at this end. A new one for each opening, so that a late answer to an earlier one is not taken
    /// for the answer to this.
    private(set) var token = SessionToken.random()

    private weak var link: NATSLink?
    private weak var client: (any SessionOpener)?
    private let name: String
    private let subject: [UInt8]
    private var answers: BrokerListening?

    init(_ link: NATSLink, _ client: any SessionOpener, _ name: NATSName) {
        self.link = link
        self.client = client
        self.name = name.openingSubject
        subject = Array(name.openingSubject.utf8) + [0]
    }

    /// Begins to wait, or says why that is useless.
    func begin() -> DialOutcome {
        guard let link, let client else { return .queueFull }
        if let obstacle = link.obstacle, obstacle == .closed || !client.waitsForServer {
            return .failed(.linkFailed("\(obstacle)"))
        }
        link.sessions.insert(self)
        if link.line != nil { linkDidConnect() }
        return .pending(self)
    }

    /// The link is connected: asks the group for a session.
    func linkDidConnect() {
        guard let link else { return }
        link.sessions.remove(token)
        token = .random()
        link.sessions.insert(self)
        // The same subject as the session's, which the link receives as well: this one is there for the broker's word
        // that there is no server.
        do {
            answers = try link.line.map { line throws(NATSError) in
                BrokerListening(try line.connection.subscribe(to: "\(link.inbox)\(token)"))
            }
        } catch {
            return link.report(.refused(error))
        }
        var opening: [UInt8] = []
        link.offer.append(to: &opening)
        link.publish(opening, to: subject, reply: link.inbox(of: token))
    }

    /// The link is not connected, and tries again.
    func linkDidFail(_ error: NATSError) {
        if error == .closed || client?.waitsForServer != true { fail(error) }
    }

    /// - Parameter error: nil if there is no server.
    func fail(_ error: NATSError?) {
        guard let client = end() else { return }
        guard let error else {
            return client.dial(self, didFailWith: SystemError(call: "connect", code: ECONNREFUSED))
        }
        client.dial(self, didEndWith: .failed(.linkFailed("\(error)")))
    }

    /// Input has arrived at the link.
    func lookForServer() {
        if answers?.subscription.saysNoResponders() == true { fail(nil) }
    }

    /// Whether a text of the broker about a subject is about this one.
    func isMeant(by text: String) -> Bool { text.contains("\"\(name)\"") }

    /// The answer of a server, or something that claims to be one.
    func receive(_ piece: Piece, _ payload: Span<UInt8>, reply: [UInt8]) {
        switch piece.kind {
        case .accept: accept(SessionOffer(parsing: payload), reply)
        case .refuse: refuse(payload.isEmpty ? nil : SessionRefusal(rawValue: payload[0]))
        default: break
        }
    }

    private func accept(_ offer: SessionOffer?, _ inbox: [UInt8]) {
        guard let offer, !inbox.isEmpty else { return refuse(.incompatible) }
        guard let link, let client = end() else { return }
        let peer = NATSPeer(claimedName: offer.claim, session: "\(token)")
        let session = NATSSession(link, token, peer, inbox: inbox, offer, isServer: false)
        client.dial(self, didEndWith: .connected(session, .unknown))
    }

    private func refuse(_ refusal: SessionRefusal?) {
        guard let client = end() else { return }
        switch refusal {
        // Another server of the group may take it.
        case .stopping: client.dial(self, didEndWith: .queueFull)
        case .notAdmitted: client.dial(self, didEndWith: .failed(.accessDenied(client.address)))
        case .incompatible, nil:
            client.dial(self, didEndWith: .failed(.linkFailed("the server speaks another version of the sessions")))
        }
    }

    private func end() -> (any SessionOpener)? {
        answers = nil
        link?.sessions.remove(token)
        return client
    }
}

extension SessionDial: PendingDial {
    func cancel() {
        _ = end()
        link?.schedule()
    }
}
#endif

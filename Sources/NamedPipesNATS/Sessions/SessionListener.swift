// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes

/// A server's place in the queue group of its subject: the openings that the broker gives to this server.
final class SessionListener {
    private weak var link: NATSLink?
    private weak var server: PipeServer?
    private let name: NATSName
    private let policy: NATSAccessPolicy
    private var subscription: BrokerListening?

    init(_ link: NATSLink, _ server: PipeServer, _ name: NATSName, _ policy: NATSAccessPolicy) {
        self.link = link
        self.server = server
        self.name = name
        self.policy = policy
    }

    /// The link is connected: takes part from now on.
    func subscribe(on line: BrokerLine) throws(NATSError) {
        subscription = BrokerListening(try line.connection.subscribe(to: name.openingSubject, group: NATSName.group))
    }

    /// Admits those who wait.
    func receive(on line: BrokerLine) {
        while link?.line === line, let opening = subscription?.next() { admit(opening) }
    }

    private func admit(_ opening: borrowing BrokerMessage) {
        guard let link, let server else { return }
        let reply = opening.reply
        // Without an inbox there is no client to answer.
        guard !reply.isEmpty else { return }
        guard let offer = opening.withContent({ SessionOffer(parsing: $0) }) else {
            return refuse(.incompatible, reply)
        }
        let token = SessionToken.random()
        let peer = NATSPeer(claimedName: offer.claim, session: "\(token)")
        guard policy.admits(peer) else { return refuse(.notAdmitted, reply) }
        server.admitVouched(NATSSession(link, token, peer, inbox: reply, offer, isServer: true))
    }

    private func refuse(_ refusal: SessionRefusal, _ reply: [UInt8]) {
        let reason: [UInt8] = [refusal.rawValue]
        link?.publish(Piece(.refuse), to: reply, reason.span)
    }
}

extension SessionListener: LinkListener {
    /// Its server stops by itself.
    func linkDidEnd() {}
}

extension SessionListener: TransportEntrance {
    /// Leaves the group: the broker gives openings to its other members from now on. Those that it has sent already are
    /// refused, so that their clients need not wait.
    func close() {
        guard let link else { return }
        link.listeners[ObjectIdentifier(self)] = nil
        guard let subscription = subscription.take() else { return }
        link.leave(subscription) { [self] opening in
            if !opening.reply.isEmpty { refuse(.stopping, opening.reply) }
        }
    }
}

/// Why a server refuses an opening.
enum SessionRefusal: UInt8 {
    /// It does not understand the opening.
    case incompatible = 1
    /// Its policy does not admit the client, or its limits do not.
    case notAdmitted = 2
    /// It is stopping.
    case stopping = 3
}
#endif

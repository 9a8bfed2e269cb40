// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import PipeReactor

/// Leaves a subject without losing what the broker has already sent: to unsubscribe alone would drop it unread, and its
/// senders would wait.
///
/// The broker is asked to send no more, and then for a sign that it has read that. What comes before the sign is still
/// received.
final class SubjectDeparture {
    private unowned let link: NATSLink
    private var listening: BrokerListening?
    private let receive: (borrowing BrokerMessage) -> Void
    private var whenLeft: () -> Void
    private var timer: ScheduledWork?

    fileprivate init(
        _ link: NATSLink, _ listening: BrokerListening, _ receive: @escaping (borrowing BrokerMessage) -> Void,
        _ whenLeft: @escaping () -> Void
    ) {
        self.link = link
        self.listening = listening
        self.receive = receive
        self.whenLeft = whenLeft
    }

    fileprivate func begin() {
        receiveAll()
        // A reactor that has stopped waits for nothing.
        guard link.line != nil, link.state != .closed, !link.reactor.isStopped else { return finish() }
        listening?.subscription.drain()
        link.listeners[ObjectIdentifier(self)] = self
        link.whenReadByBroker { [weak self] in self?.finish() }
        // A broker that is stuck holds up no end.
        timer = link.reactor.schedule(after: link.configuration.connectTimeout) { [weak self] in self?.finish() }
        link.schedule()
    }

    private func receiveAll() {
        while let message = listening?.next() { receive(message) }
    }

    private func finish() {
        guard listening != nil else { return }
        receiveAll()
        timer?.cancel()
        listening = nil
        link.listeners[ObjectIdentifier(self)] = nil
        link.schedule()
        whenLeft()
    }
}

extension SubjectDeparture: LinkListener {
    /// The connection is another one: on this one, nothing is on the way.
    func subscribe(on line: BrokerLine) throws(NATSError) { finish() }

    func receive(on line: BrokerLine) { receiveAll() }

    func linkDidEnd() { finish() }
}

extension NATSLink {
    /// Leaves the subject of a subscription.
    ///
    /// - Parameters:
    ///   - receive: called with each message that the broker had sent before; now, and in later turns.
    ///   - whenLeft: called once when no more come: now, if the link is not connected, or its reactor has stopped.
    func leave(
        _ listening: BrokerListening, _ receive: @escaping (borrowing BrokerMessage) -> Void,
        whenLeft: @escaping () -> Void = {}
    ) {
        SubjectDeparture(self, listening, receive, whenLeft).begin()
    }
}
#endif

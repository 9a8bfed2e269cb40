// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes
internal import PipeReactor
internal import Synchronization

// One attempt to connect after another. The library's own connect blocks, and so a thread makes it that does nothing
// else; the library's own way to connect again is not used, see `BrokerOptions`.

extension NATSLink {
    func connect() {
        attemptNumber += 1
        change(to: .connecting)
        let (number, reference) = (attemptNumber, reference)
        let (servers, configuration) = (servers, configuration)
        do {
            try SystemThread.startDetached(named: "nats-connect") {
                let result: Result<BrokerHandOver, NATSError>
                do throws(NATSError) {
                    let events = BrokerEvents(number, reference)
                    result = .success(BrokerHandOver(try BrokerConnection(servers, configuration, events)))
                } catch {
                    result = .failure(error)
                }
                reference.perform { $0.attemptDidEnd(number, result) }
            }
        } catch {
            waitToConnect(.library(status: Int(error.code), error.description))
        }
    }

    private func attemptDidEnd(_ number: UInt64, _ result: Result<BrokerHandOver, NATSError>) {
        guard number == attemptNumber, state != .closed else { return }
        do throws(NATSError) {
            guard let connection = try result.get().take() else { return }
            let server = connection.server
            let line = try BrokerLine(
                connection, inbox: inbox + "*", reactor, onEvent: { [unowned self] in inputArrived() },
                onRoom: { [unowned self] in roomArrived() })
            self.line = line
            for listener in listeners.values { try listener.subscribe(on: line) }
            connectionBegin = reactor.now
            change(to: .connected(server))
            for dial in sessions.dials { dial.linkDidConnect() }
            for request in requestsInOrder { request.linkDidConnect() }
            for token in readMarks.keys { publishMark(token) }
            schedule()
        } catch {
            line = nil
            waitToConnect(error)
        }
    }

    private func waitToConnect(_ error: NATSError) {
        var generator = SystemRandom()
        let delay = backoff.next(using: &generator)
        change(to: .waiting(after: delay, error))
        lose(error)
        retry = reactor.schedule(after: delay) { [unowned self] in connect() }
    }

    /// The error that keeps the link from being connected; nil while it is, or tries for the first time.
    var obstacle: NATSError? {
        switch state {
        case .connected: nil
        case .connecting: attemptNumber > 1 ? .noBroker : nil
        case .waiting(_, let error): error
        case .closed: .closed
        }
    }

    // MARK: The end of a connection

    /// The library has closed the connection, on whichever thread.
    func brokerDidClose(_ number: UInt64) {
        guard let line, line.connection.events.number == number, line.connection.isClosed else { return }
        lineDidEnd(line)
    }

    private func lineDidEnd(_ line: BrokerLine) {
        if state == .closed { return end() }
        self.line = nil
        line.end()
        // The delays continue to grow until a connection has lasted: a broker that accepts and closes at once would
        // otherwise have all its links back every 50 ms.
        if let begin = connectionBegin.take(), reactor.now - begin >= configuration.maximumReconnectionDelay {
            backoff.reset()
        }
        waitToConnect(line.connection.lastError)
    }

    /// The broker has refused something, and the connection goes on.
    func brokerDidRefuse(_ error: NATSError, _ number: UInt64) {
        guard let line, line.connection.events.number == number else { return }
        guard case .notPermitted(let text) = error else { return }
        report(.refused(error))
        for dial in sessions.dials where dial.isMeant(by: text) { dial.fail(error) }
        for request in requestsInOrder where request.isMeant(by: text) { request.fail(error) }
    }

    /// Ends every session, and every opening that is under way.
    func lose(_ error: NATSError) {
        for dial in sessions.dials { dial.linkDidFail(error) }
        for session in sessions.open { session.lose(.linkLost) }
        for request in requestsInOrder { request.linkDidFail(error) }
    }

    // MARK: Input and output

    private func inputArrived() {
        guard let line else { return }
        line.connection.readEvent()
        while self.line === line, let message = line.inbox.next() { receive(message) }
        for dial in sessions.dials where self.line === line { dial.lookForServer() }
        for request in requests.values where self.line === line { request.lookForAnswer() }
        for listener in listeners.values where self.line === line { listener.receive(on: line) }
        dispatchTouched()
        if self.line === line, line.connection.isClosed { lineDidEnd(line) }
        schedule()
    }

    /// Called on the loop after the library's timer has asked the broker for a sign of life.
    func outputIsWanted(_ number: UInt64) {
        if line?.connection.events.number == number { schedule() }
    }

    func flush() { line?.flush() }

    private func roomArrived() {
        for session in sessions.open { session.schedule() }
    }
}

/// A connection on its way from the thread that made it to the loop: taken out once, or closed with this.
private final class BrokerHandOver: Sendable {
    private let content: Mutex<BrokerConnection?>

    init(_ connection: consuming BrokerConnection) { content = Mutex(connection) }

    func take() -> BrokerConnection? { content.withLock { $0.take() } }
}
#endif

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

/// A client: sends its messages as fast as the queue takes them, checks the answers, and leaves in one of several ways.
final class Guest: PipeClientDelegate {
    /// The way in which it leaves once everything has been answered; its number is its party.
    enum Farewell: Int, CaseIterable {
        /// Finishes sending and waits for the server's last message.
        case finish
        /// Finishes sending, and is gone while the server prepares its last message.
        case vanish
        /// Stays until the server stops.
        case stay
        /// Connects before the server starts, and hangs up.
        case disconnect
    }

    let farewell: Farewell
    private(set) var inbox: Inbox
    private(set) var errors: [String] = []
    private(set) var violations: [String] = []
    private(set) var hasLeft = false
    private var sentCount = 0
    private weak var connection: PipeConnection?
    private var client: PipeClient?
    private let reactor: Reactor

    init(_ farewell: Farewell, _ address: PipeAddress, _ reactor: Reactor) {
        self.farewell = farewell
        self.reactor = reactor
        inbox = Inbox(party: farewell.rawValue)
        var configuration = PipeClient.Configuration()
        configuration.waitsForServer = farewell == .disconnect
        configuration.connection.highWaterMark = 64 << 10
        configuration.connection.lowWaterMark = 16 << 10
        configuration.connection.closeTimeout = .seconds(10)
        client = PipeClient(address: address, configuration: configuration, reactor: reactor, delegate: self)
        client?.connect()
    }

    /// Whether only the server's stop is left to wait for.
    var isSettled: Bool { hasLeft || (farewell == .stay && inbox.count == Message.count) }

    /// Whether all of its messages have left, so that a server that stops gracefully answers them.
    var hasSentEverything: Bool { hasLeft || (sentCount == Message.count && connection?.pendingByteCount == 0) }

    var isComplete: Bool {
        switch farewell {
        case .finish, .stay: inbox.count == Message.count + 1
        case .vanish, .disconnect: inbox.count == Message.count
        }
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        self.connection = connection
        sendMore(connection)
    }

    func connectionDidDrain(_ connection: PipeConnection) { sendMore(connection) }

    private func sendMore(_ connection: PipeConnection) {
        do {
            while sentCount < Message.count {
                let verdict = try connection.send(Message.body(sentCount, of: farewell.rawValue))
                sentCount += 1
                if verdict != .accepted { return }
            }
        } catch {
            errors.append("sending as party \(farewell.rawValue): \(error)")
        }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        if let problem = inbox.receive(Array(lent: message)) { violations.append("client, \(problem)") }
        if inbox.count == Message.count { leave(connection) }
    }

    private func leave(_ connection: PipeConnection) {
        switch farewell {
        case .finish: connection.finishSending()
        case .vanish:
            connection.finishSending()
            reactor.schedule(after: .milliseconds(2)) { connection.abort() }
        case .stay: break
        case .disconnect: client?.disconnect()
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        if let account = unsent(connection) { errors.append("party \(farewell.rawValue)'s sends: \(account)") }
        switch reason {
        case .closedLocally, .closedByPeer: break
        default: errors.append("party \(farewell.rawValue)'s end: \(reason)")
        }
        hasLeft = true
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        errors.append("connecting as party \(farewell.rawValue): \(error)")
        hasLeft = true
    }

    /// Releases the client, which holds this delegate.
    func end() {
        client?.disconnect()
        client = nil
    }
}

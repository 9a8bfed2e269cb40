// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

/// The server: answers every message with itself, and, after a moment, a client that has finished with a farewell.
final class Host: PipeServerDelegate {
    var verdict: Verdict
    private(set) var hasStopped = false
    private var waiting: [PipeConnection.ID: [[UInt8]]] = [:]
    private(set) var hasRegainedName = false
    private let reactor: Reactor
    private let whenStopped: (Verdict) -> Void

    private final class Visit {
        var inbox: Inbox?
    }

    init(_ reactor: Reactor, _ verdict: Verdict, whenStopped: @escaping (Verdict) -> Void = { _ in }) {
        self.reactor = reactor
        self.verdict = verdict
        self.whenStopped = whenStopped
    }

    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {
        verdict.errors.append("accepting: \(error)")
    }

    func server(_ server: PipeServer, didFailToRepublish error: PipeError) {
        verdict.errors.append("publishing again: \(error)")
    }

    func serverDidRegainName(_ server: PipeServer) { hasRegainedName = true }

    func serverDidStop(_ server: PipeServer) {
        hasStopped = true
        whenStopped(verdict)
    }

    func connectionDidOpen(_ connection: PipeConnection) { connection.context = Visit() }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard let visit = connection.context as? Visit else { return }
        if visit.inbox == nil { visit.inbox = Inbox(party: message.isEmpty ? 0 : Int(message[0])) }
        verdict.receivedCount += 1
        if let problem = visit.inbox?.receive(Array(lent: message)) { verdict.violations.append("server, \(problem)") }
        do { try connection.send(message) } catch { verdict.errors.append("answering: \(error)") }
    }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        reactor.schedule(after: .milliseconds(5)) {
            _ = try? connection.send(Message.farewell)
            connection.close()
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        let party = (connection.context as? Visit)?.inbox?.party
        // The others have left before the server's last message.
        let hearsFarewell = party == Guest.Farewell.finish.rawValue || party == Guest.Farewell.stay.rawValue
        if hearsFarewell, let account = unsent(connection) {
            verdict.errors.append("the server's sends: \(account)")
        }
        switch reason {
        case .closedByPeer, .closedLocally, .serverStopped: break
        // The smuggler, which never says who it is.
        case .descriptorsReceived where party == nil, .truncatedByPeer where party == nil:
            verdict.smuggledCount += 1
        // A client that leaves without reading on.
        case .resetByPeer where party == Guest.Farewell.vanish.rawValue: break
        default: verdict.errors.append("server's end of party \(party.map(String.init) ?? "unknown"): \(reason)")
        }
    }
}

/// The connection's report of messages that did not leave; nil if all did.
func unsent(_ connection: PipeConnection) -> String? {
    let count = connection.unsentMessageCount
    guard count > 0 || connection.hasPartlySentMessage else { return nil }
    return "\(count) unsent, \(connection.hasPartlySentMessage ? "one in part" : "none in part")"
}

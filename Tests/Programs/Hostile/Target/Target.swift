// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// Serves, and counts what a probe cannot see from outside.
final class Target: PipeServerDelegate {
    enum Mode: String {
        /// Sends every message back.
        case echo
        /// Only counts.
        case count
        /// Answers the first message with as many as are taken, regardless of the marks.
        case push
        /// As `echo`, but "hold" blocks the thread for a second before.
        case hold
        /// Sends every message to all clients.
        case broadcast
        /// Sends more than a socket holds to each new client, and closes.
        case greet
        /// The same, but only on request.
        case farewell
    }

    private let mode: Mode
    private let tally: Tally
    /// Stopped with the server.
    private let reactor: Reactor?

    private static let lastWords = [UInt8](repeating: 0x2E, count: 2_000_000)

    init(_ mode: Mode, _ tally: Tally, stopping reactor: Reactor? = nil) {
        self.mode = mode
        self.tally = tally
        self.reactor = reactor
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        if mode == .greet { sendLastWords(on: connection) }
    }

    private func sendLastWords(on connection: PipeConnection) {
        send(Self.lastWords.span, on: connection)
        connection.close()
    }

    func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        tally.change { $0.failedOutputs += 1 }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        tally.change { $0.messages += 1 }
        switch mode {
        case .count, .greet: break
        case .farewell: sendLastWords(on: connection)
        case .broadcast: broadcast(message, from: connection)
        case .echo: send(message, on: connection)
        case .hold:
            if String(copying: message) == "hold" { usleep(1_000_000) }  // what is tested
            send(message, on: connection)
        case .push:
            let piece = [UInt8](repeating: 0x2E, count: 16_000)
            while send(piece.span, on: connection) {}
        }
    }

    private func broadcast(_ message: Span<UInt8>, from connection: PipeConnection) {
        guard let server = connection.server else { return }
        if let pool = server.pool { try? pool.postBroadcast(message) } else { _ = try? server.broadcast(message) }
    }

    @discardableResult
    private func send(_ message: Span<UInt8>, on connection: PipeConnection) -> Bool {
        do {
            try connection.send(message)
            return true
        } catch {
            tally.change { $0.refusedSends += 1 }
            return false
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        tally.change { $0.endings["\(reason.kind)", default: 0] += 1 }
    }

    func serverDidStop(_ server: PipeServer) { reactor?.stop() }
}

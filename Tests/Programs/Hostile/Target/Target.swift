// SPDX-License-Identifier: Apache-2.0
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
        /// Sends every message to all clients.
        case broadcast
        /// Sends more than a socket holds to each new client, and closes.
        case greet
        /// The same, but only on request.
        case farewell
    }

    private let reactor: Reactor
    private let mode: Mode
    private(set) var messageCount = 0
    private(set) var endings: [String: Int] = [:]
    private(set) var refusedSendCount = 0
    private(set) var failedOutputCount = 0

    private static let lastWords = [UInt8](repeating: 0x2E, count: 2_000_000)

    init(_ reactor: Reactor, _ mode: Mode) {
        self.reactor = reactor
        self.mode = mode
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        if mode == .greet { sendLastWords(on: connection) }
    }

    private func sendLastWords(on connection: PipeConnection) {
        send(Self.lastWords.span, on: connection)
        connection.close()
    }

    func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) { failedOutputCount += 1 }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        messageCount += 1
        switch mode {
        case .count, .greet: break
        case .farewell: sendLastWords(on: connection)
        case .broadcast: _ = try? connection.server?.broadcast(message)
        case .echo: send(message, on: connection)
        case .push:
            let piece = [UInt8](repeating: 0x2E, count: 16_000)
            while send(piece.span, on: connection) {}
        }
    }

    @discardableResult
    private func send(_ message: Span<UInt8>, on connection: PipeConnection) -> Bool {
        do {
            try connection.send(message)
            return true
        } catch {
            refusedSendCount += 1
            return false
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        endings["\(reason.kind)", default: 0] += 1
    }

    func serverDidStop(_ server: PipeServer) { reactor.stop() }
}

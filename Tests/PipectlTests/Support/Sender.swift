// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

/// A client on the test's reactor, for messages that a line cannot carry.
final class Sender: PipeClientDelegate {
    private let reactor: Reactor
    private let reads: Bool
    private var connection: PipeConnection?
    private var messages: [String] = []
    private var reason: DisconnectReason?

    init(to name: String, on reactor: Reactor, reads: Bool = true) throws {
        self.reactor = reactor
        self.reads = reads
        PipeClient(address: try PipeAddress(parsing: name), reactor: reactor, delegate: self).connect()
        let isOpen = reactor.run(timeout: deadline) { connection != nil }
        try #require(isOpen)
    }

    func send(_ message: String) throws { try connection?.send(message) }

    func disconnect() { connection?.close() }

    /// Runs the loop until the connection has ended.
    var isEnded: Bool { reactor.run(timeout: deadline) { reason != nil } }

    /// Runs the loop until `count` messages have come.
    func received(_ count: Int) -> [String] {
        reactor.run(timeout: deadline) { messages.count >= count }
        return messages
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        self.connection = connection
        if !reads { connection.pauseReceiving() }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        messages.append(String(decoding: [UInt8](copying: message), as: UTF8.self))
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) { self.reason = reason }
}

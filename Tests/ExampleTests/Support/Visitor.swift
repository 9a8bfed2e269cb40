// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

/// A client on the test's own reactor, which keeps the messages that it was sent.
final class Visitor: PipeClientDelegate {
    private(set) var messages: [String] = []
    private(set) var closeReason: DisconnectReason?
    private(set) var connection: PipeConnection?

    private let reactor: Reactor

    /// Connects, and returns when the connection is open.
    init(
        to address: PipeAddress, on reactor: Reactor, framing: any MessageFraming = LengthPrefixFraming(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        self.reactor = reactor
        var configuration = PipeClient.Configuration()
        configuration.connection.framing = framing
        PipeClient(address: address, configuration: configuration, reactor: reactor, delegate: self).connect()
        let isOpen = reactor.run(timeout: .seconds(30)) { connection != nil }
        try #require(isOpen, "no connection to \(address)", sourceLocation: sourceLocation)
    }

    func send(_ message: String) throws { try connection?.send(message) }

    /// Runs the reactor until `count` messages have arrived, and returns all of them.
    func messages(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        let areThere = reactor.run(timeout: .seconds(30)) { messages.count >= count }
        try #require(areThere, "only \(messages)", sourceLocation: sourceLocation)
        return messages
    }

    /// Runs the reactor until the connection has ended.
    func reasonOfEnd(sourceLocation: SourceLocation = #_sourceLocation) throws -> DisconnectReason {
        reactor.run(timeout: .seconds(30)) { closeReason != nil }
        return try #require(closeReason, sourceLocation: sourceLocation)
    }

    func connectionDidOpen(_ connection: PipeConnection) { self.connection = connection }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard let text = try? UTF8Span(validating: message) else { return messages.append("not UTF-8") }
        messages.append(String(copying: text))
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) { closeReason = reason }
}

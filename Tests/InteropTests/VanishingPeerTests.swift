// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

/// The behaviour of peers that crash: they send, read nothing, and are gone while replies are on their way.
struct VanishingPeerTests {
    @Test(arguments: [1, 1_000, 5_000, 20_000])
    func `a peer that vanishes without reading its replies is reported`(messageCount: Int) throws {
        let reactor = try Reactor()
        let address = try PipeAddress.unique()
        let echo = EchoDelegate()
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: echo)
        defer {
            reactor.stop()
            reactor.run()
        }
        let client = PipeClient(address: address, reactor: reactor, delegate: DeafSender(messageCount))
        client.connect()
        // Until nothing moves any more: this end has stopped reading, or everything is sent and the replies wait.
        var turnsLeft = 50
        let glance = reactor.schedule(after: .zero, repeating: .milliseconds(2)) { turnsLeft -= 1 }
        reactor.run(timeout: .seconds(5)) { turnsLeft <= 0 }
        glance.cancel()
        client.connection?.abort()
        reactor.run(timeout: .seconds(5)) { echo.ends.count == 1 }
        #expect(echo.ends.count == 1)
        #expect(server.connectionCount == 0)
    }
}

/// Sends and never reads.
private final class DeafSender: PipeClientDelegate {
    private let messageCount: Int

    init(_ messageCount: Int) { self.messageCount = messageCount }

    func connectionDidOpen(_ connection: PipeConnection) {
        connection.pauseReceiving()
        let message = [UInt8](repeating: 7, count: 128)
        for _ in 0..<messageCount { _ = try? connection.send(message) }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
}

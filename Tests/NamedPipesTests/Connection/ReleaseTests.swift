// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

/// libevent's callback does not retain its connection. These are all ways to end a connection inside its own callbacks,
/// where only the reactor holds it. AddressSanitizer sees what is wrong (`make test-address`).
@Suite struct `A connection without an owner` {
    enum Moment: CaseIterable { case opened, received, drained, finished, closed }
    enum Way: CaseIterable { case abort, close, stopServer, stopReactor, sendAndAbort, dropContext }

    @Test(arguments: Moment.allCases, Way.allCases)
    func `may end inside its own callback, and is gone afterwards`(moment: Moment, way: Way) throws {
        try withLoop { loop in
            let delegate = Forgetful()
            var server: PipeServer? = try PipeServer(
                listeningOn: loop.address, configuration: configuration, reactor: loop.reactor, delegate: delegate)
            delegate.act = { now, connection, message in
                guard now == moment else { return }
                switch way {
                case .abort: connection.abort()
                case .close: connection.close()
                case .stopServer: server?.stop()
                case .stopReactor: loop.reactor.stop()
                case .sendAndAbort:
                    if let message { _ = try? connection.send(message) }
                    _ = try? connection.send(pattern(100_000))
                    connection.abort()
                case .dropContext: connection.context = nil
                }
                server = nil
            }
            // Two connections with news in the same batch: the end of the first must not harm the second.
            let peers = [try RawPeer(connectingTo: loop.address), try RawPeer(connectingTo: loop.address)]
            loop.settle()
            bringAbout(moment, peers, loop)
            loop.settle()
            for peer in peers {
                peer.readAll()
                peer.close()
            }
            // Another test's child, before its exec, may keep a peer's end open for a moment.
            _ = loop.run { delegate.closeCount == delegate.openCount }
            loop.settle()
            server = nil
            try #require(delegate.openCount > 0)
            #expect(delegate.closeCount == delegate.openCount)
            #expect(delegate.living.isEmpty)
        }
    }

    @Test(arguments: Moment.allCases) func `may end with its client inside its own callback`(moment: Moment) throws {
        try withLoop { loop in
            let delegate = Forgetful()
            let listener = try RawListener(at: loop.address)
            var configuration = PipeClient.Configuration()
            configuration.connection = self.configuration.connection
            var client: PipeClient? = PipeClient(
                address: loop.address, configuration: configuration, reactor: loop.reactor, delegate: delegate)
            client?.connect()
            delegate.act = { now, connection, _ in
                guard now == moment else { return }
                client?.disconnect()
                client = nil
                connection.abort()
            }
            loop.settle()
            let peer = try #require(listener.accept())
            bringAbout(moment, [peer], loop)
            loop.settle()
            peer.close()
            _ = loop.run { delegate.closeCount == 1 }
            loop.settle()
            #expect(client == nil)
            #expect(delegate.openCount == 1 && delegate.closeCount == 1)
            #expect(delegate.living.isEmpty)
        }
    }

    private var configuration: PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        configuration.connection.highWaterMark = 10_000
        configuration.connection.lowWaterMark = 1000
        return configuration
    }

    private func bringAbout(_ moment: Moment, _ peers: [RawPeer], _ loop: Loop) {
        switch moment {
        case .opened: break
        case .received:
            // The message is in memory of its own, with more behind it: decoding goes on over what has ended.
            for peer in peers { peer.write(frame(pattern(50_000)).dropLast()) }
            loop.settle()
            for peer in peers { peer.write(frame(pattern(50_000)).suffix(1) + frame("behind it")) }
        case .drained:
            for peer in peers { peer.write(frame("fill")) }
            loop.settle()
            for peer in peers { peer.readAll() }
        case .finished: for peer in peers { peer.finishWriting() }
        case .closed: for peer in peers { peer.close() }
        }
    }
}

/// A delegate that holds no connection.
private final class Forgetful: PipeServerDelegate, PipeClientDelegate {
    typealias Moment = `A connection without an owner`.Moment

    var act: (Moment, PipeConnection, [UInt8]?) -> Void = { _, _, _ in }
    private(set) var openCount = 0
    private(set) var closeCount = 0
    private var seen: [Seen] = []

    private struct Seen { weak var connection: PipeConnection? }
    private final class Context {}

    var living: [PipeConnection] { seen.compactMap(\.connection) }

    func connectionDidOpen(_ connection: PipeConnection) {
        openCount += 1
        seen.append(Seen(connection: connection))
        connection.context = Context()
        act(.opened, connection, nil)
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        if message.count == 4 {
            while (try? connection.send(pattern(4000))) == .accepted {}
        }
        act(.received, connection, Array(lent: message))
    }

    func connectionDidDrain(_ connection: PipeConnection) { act(.drained, connection, nil) }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        act(.finished, connection, nil)
        connection.close()
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        closeCount += 1
        act(.closed, connection, nil)
    }
}

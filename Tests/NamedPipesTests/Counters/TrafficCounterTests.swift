// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

@Suite struct `What a server counts` {
    static let sizes = [0, 1, 100, 5000, 20_000, 40_000, 70_000, 300_000]

    @Test(arguments: [false, true])
    func `is every message and every byte, once, of any size and in any cut`(lacksPassRights: Bool) throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.lacksPassRights = lacksPassRights
            let raw = try RawClient(loop, configuration)
            raw.recorder.whenLent = { connection, message in _ = try? connection.send(message) }
            let stream = (Self.sizes + Self.sizes.reversed()).flatMap { frame(letters($0)) }
            #expect(
                raw.peer.exchange(
                    stream, until: { raw.peer.received.count == stream.count }, pieces: 1...60_000, seed: 9, loop))
            #expect(raw.peer.received == stream)
            let statistics = raw.server.statistics
            #expect(statistics.receivedMessageCount == 2 * Self.sizes.count)
            #expect(statistics.takenMessageCount == 2 * Self.sizes.count)
            #expect(statistics.sentMessageCount == 2 * Self.sizes.count)
            #expect(statistics.receivedByteCount == stream.count)
            #expect(statistics.sentByteCount == stream.count)
            #expect(statistics.unsentMessageCount == 0)
        }
    }

    @Test func `is a broadcast once for each connection, and nothing that was refused`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 3 })
            recorder.connections[0].close()
            try server.broadcast("to two")
            try server.broadcast(letters(50_000))
            loop.settle()
            #expect(server.statistics.takenMessageCount == 4 && server.statistics.sentMessageCount == 4)
            #expect(server.statistics.sentByteCount == 2 * (10 + 50_004))
            withExtendedLifetime(peers) {}
        }
    }

    @Test func `is also what never left`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            for index in 0..<300 { try connection.send(pattern(7001, seed: index)) }
            loop.settle()
            connection.abort()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            raw.peer.readAll()
            let statistics = raw.server.statistics
            #expect(statistics.takenMessageCount == 300)
            #expect(statistics.sentMessageCount == raw.peer.frames.count)
            #expect(statistics.partlySentMessageCount == (connection.hasPartlySentMessage ? 1 : 0))
            #expect(
                statistics.unsentMessageCount
                    == 300 - statistics.sentMessageCount - statistics.partlySentMessageCount)
            #expect(statistics.sentByteCount == raw.peer.received.count)
        }
    }

    @Test func `50 · a delegate's callback that holds the loop is named with its connection`() throws {
        var configuration = Reactor.Configuration()
        configuration.measuresCallbacks = true
        let reactor = try Reactor(configuration: configuration)
        let recorder = Recorder(reactor)
        let address = try PipeAddress.unique(prefix: "slow")
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: recorder)
        let peer = try RawPeer(connectingTo: address)
        var id: PipeConnection.ID?
        recorder.whenReceived = { connection, _ in
            id = connection.id
            let end = SuspendingClock.now + .milliseconds(20)
            while SuspendingClock.now < end {}
        }
        peer.writeAll(frame("slow"))
        try #require(reactor.run(timeout: Loop.patience) { recorder.messageCount == 1 })
        let longest = try #require(reactor.statistics?.longestCallback)
        #expect(longest.name == "connection(_:didReceive:)")
        #expect(longest.connection == id?.description)
        #expect(longest.duration >= .milliseconds(20))
        // The rest of the contract is unchanged by the measurements.
        peer.finishWriting()
        try #require(reactor.run(timeout: Loop.patience) { recorder.reasons == [.closedByPeer] })
        #expect(recorder.log.filter { $0 != .shouldAccept } == [.didOpen, .didReceive, .didFinishReceiving, .didClose])
        reactor.stop()
        reactor.run()
        #expect(recorder.violations == [] && server.isStopped)
    }
}

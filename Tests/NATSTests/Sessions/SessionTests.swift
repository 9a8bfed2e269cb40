// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A session` {
    @Test func `carries messages both ways, in order`() throws {
        try withStage { stage in
            let pair = try stage.pair()
            pair.atServer.whenReceived = { connection, message in _ = try? connection.send(message) }
            for index in 0..<500 { try pair.client.send("message \(index)") }
            try #require(stage.loop.run { pair.atClient.messageCount == 500 })
            #expect(pair.atClient.texts == (0..<500).map { "message \($0)" })
        }
    }

    @Test func `carries messages that are larger than the broker's limit and than its window`() throws {
        try withStage { stage in
            var server = PipeServer.Configuration()
            server.connection.framing = LengthPrefixFraming(maximumMessageByteCount: 32 << 20)
            var client = PipeClient.Configuration()
            client.connection = server.connection
            let pair = try stage.pair(server, client)
            pair.atServer.whenReceived = { connection, message in _ = try? connection.send(message) }
            let message = pattern(16 << 20)
            try pair.client.send(message)
            try #require(stage.loop.run(whileGrowing: { pair.atClient.byteCount }) { pair.atClient.messageCount == 1 })
            #expect(pair.atClient.messages.first == message)
        }
    }

    @Test func `names nobody as its peer, and what the client calls itself`() throws {
        try withStage { stage in
            stage.configuration.name = "desk 4"
            let pair = try stage.pair()
            let connection = try pair.serverConnection
            #expect(connection.peer == .unknown)
            #expect(connection.natsPeer?.claimedName == "desk 4")
            #expect(connection.natsPeer?.session.utf8.count == 32)
            #expect(pair.client.address.kind == .other && "\(pair.client.address)" == "nats:echo")
        }
    }

    @Test func `ends for both when one end closes`() throws {
        try withStage { stage in
            let pair = try stage.pair()
            try pair.client.send("last")
            try pair.clientConnection.close()
            try #require(stage.loop.run { pair.atServer.isEverythingClosed && pair.atClient.isEverythingClosed })
            #expect(pair.atServer.texts == ["last"])
            #expect(pair.atServer.reasons == [.closedByPeer] && pair.atClient.reasons == [.closedLocally])
            #expect(pair.links.server.sessions.isEmpty && pair.links.client.sessions.isEmpty)
            #expect(pair.links.server.sessions.timer == nil)
        }
    }

    @Test func `passes on that one end finishes sending, and goes on the other way`() throws {
        try withStage { stage in
            let pair = try stage.pair()
            pair.atServer.whenFinished = { connection in
                _ = try? connection.send("answer")
                connection.close()
            }
            try pair.client.send("question")
            try pair.clientConnection.finishSending()
            try #require(stage.loop.run { pair.atClient.isEverythingClosed })
            #expect(pair.atServer.texts == ["question"] && pair.atClient.texts == ["answer"])
            #expect(pair.atClient.reasons == [.closedByPeer])
        }
    }

    @Test func `tells a sender whose bytes were not read when the other end closes`() throws {
        try withStage { stage in
            let pair = try stage.pair()
            let connection = try pair.serverConnection
            connection.pauseReceiving()
            try pair.client.send("unread")
            try #require(stage.loop.run { pair.links.server.sessions.open.first?.unreadByteCount ?? 0 > 0 })
            connection.abort()
            try #require(stage.loop.run { pair.atClient.isEverythingClosed })
            #expect(pair.atClient.reasons == [.resetByPeer])
        }
    }

    @Test func `stops a sender at its window when the other end does not read`() throws {
        try withStage { stage in
            stage.configuration.sessionWindow = 10_000
            let pair = try stage.pair()
            let connection = try pair.serverConnection
            connection.pauseReceiving()
            for _ in 0..<100 { try pair.client.send(pattern(1000)) }
            let session = try #require(pair.links.server.sessions.open.first)
            try #require(stage.loop.run { session.unreadByteCount == 10_000 })
            // Everything that was sent has been taken and passed on: nothing more comes.
            try stage.settle(pair.links.client)
            try stage.settle(pair.links.server)
            #expect(session.unreadByteCount == 10_000)
            #expect(try pair.clientConnection.pendingByteCount == 100 * 1004 - 10_000)
            connection.resumeReceiving()
            try #require(stage.loop.run { pair.atServer.messageCount == 100 })
        }
    }

    @Test func `is refused by a server whose owner has admitted nobody`() throws {
        try withStage { stage in
            let link = try stage.link()
            let recorder = stage.loop.recorder()
            _ = PipeServer(listeningOn: try link.name("echo"), delegate: recorder)
            try stage.connect(link)
            let (client, atClient) = try stage.client(link)
            try #require(stage.loop.run { !atClient.failures.isEmpty })
            #expect(atClient.failures == [.accessDenied(client.address)])
            #expect(recorder.openCount == 0 && link.sessions.isEmpty)
        }
    }

    @Test func `is refused to a client that asks for a known user`() throws {
        try withStage { stage in
            let link = try stage.link()
            _ = try stage.server(link)
            try stage.connect(link)
            var configuration = PipeClient.Configuration()
            configuration.requiredPeer = .ownUserOrRoot
            let (_, atClient) = try stage.client(link, "echo", configuration)
            try #require(stage.loop.run { !atClient.failures.isEmpty })
            #expect(atClient.failures == [.peerRefused(.unknown)])
        }
    }

    @Test func `counts against the limit of connections, and not as one user's`() throws {
        try withStage { stage in
            var limited = PipeServer.Configuration()
            limited.maximumConnectionCount = 3
            limited.maximumConnectionCountPerUser = 1
            let link = try stage.link()
            let (_, atServer) = try stage.server(link, "echo", .everyone, limited)
            try stage.connect(link)
            let clients = try (0..<4).map { _ in try stage.client(link) }
            try #require(stage.loop.run { clients.allSatisfy { $0.1.openCount + $0.1.failures.count == 1 } })
            #expect(atServer.openCount == 3)
            #expect(clients.flatMap(\.1.failures) == [.accessDenied(clients[0].0.address)])
            #expect(atServer.refusals.map(\.refusal) == [.connectionLimit])
        }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A session that is lost` {
    @Test func `ends at once for both ends when the broker is killed, and the clients find the next one`() throws {
        try withStage { stage in
            var configuration = PipeClient.Configuration()
            configuration.reconnection = PipeClient.Reconnection()
            let pair = try stage.pair(PipeServer.Configuration(), configuration)
            stage.broker.kill()
            try #require(stage.loop.run { pair.atServer.isEverythingClosed && pair.atClient.isEverythingClosed })
            #expect(pair.atServer.reasons == [.sessionLost(.linkLost)])
            #expect(pair.atClient.reasons == [.sessionLost(.linkLost)])
            try stage.broker.start(stage.loop)
            try #require(stage.loop.run { pair.atServer.openCount == 2 && pair.atClient.openCount == 2 })
            try pair.client.send("again")
            try #require(stage.loop.run { pair.atServer.texts == ["again"] })
        }
    }

    @Test func `delivers what had arrived before it ends`() throws {
        try withStage { stage in
            let pair = try stage.pair()
            let connection = try pair.serverConnection
            connection.pauseReceiving()
            try pair.client.send("arrived")
            try #require(stage.loop.run { pair.links.server.sessions.open.first?.unreadByteCount ?? 0 > 0 })
            stage.broker.kill()
            try #require(stage.loop.run { pair.atClient.isEverythingClosed })
            connection.resumeReceiving()
            try #require(stage.loop.run { pair.atServer.isEverythingClosed })
            #expect(pair.atServer.texts == ["arrived"] && pair.atServer.reasons == [.sessionLost(.linkLost)])
        }
    }

    @Test func `ends when the other end is silent, within the time limit`() throws {
        try withStage(in: VirtualTime()) { stage in
            // A second loop on the same thread, which turns only while this test lets it: a process that was stopped.
            let other = try Loop()
            let link = try NATSLink(
                servers: [stage.broker.url], configuration: stage.configuration, reactor: other.reactor)
            let atServer = other.recorder()
            _ = PipeServer(listeningOn: try link.name("echo"), admitting: .everyone, delegate: atServer)
            try #require(other.run { if case .connected = link.state { true } else { false } })
            other.settle()
            let near = try stage.link()
            try stage.connect(near)
            let (_, atClient) = try stage.client(near)
            try #require(
                stage.loop.run {
                    other.turn()
                    return atClient.openCount == 1
                })
            let session = try #require(near.sessions.open.first)
            try #require(
                stage.loop.run {
                    other.turn()
                    return session.silentTickCount == 0
                })
            let tick = stage.configuration.sessionTimeout / SessionFlow.ticksPerTimeout
            for count in 1..<SessionFlow.silenceLimit {
                stage.loop.reactor.advance(by: tick)
                #expect(session.silentTickCount == count && atClient.reasons == [])
            }
            stage.loop.reactor.advance(by: tick)
            #expect(atClient.reasons == [.sessionLost(.silent)])
            // Once the other end goes on, it learns that the session has ended.
            try #require(other.run { atServer.isEverythingClosed })
            #expect(atServer.reasons == [.sessionLost(.unknownSession)])
            #expect(other.end() == [])
        }
    }

    @Test func `ends for both ends when the broker drops a connection that is too slow`() throws {
        let time = VirtualTime()
        try withStage(in: time, { try Broker($0, configuration: "max_payload: 65536, max_pending: 100000") }) { stage in
            stage.configuration.sessionWindow = 1 << 30
            // Another loop on the same thread, which does not read while this test does not let it.
            let other = try Loop()
            let link = try NATSLink(
                servers: [stage.broker.url], configuration: stage.configuration, reactor: other.reactor)
            let atServer = other.recorder()
            _ = PipeServer(listeningOn: try link.name("echo"), admitting: .everyone, delegate: atServer)
            let isListening = Box(false)
            link.whenReadByBroker { isListening.value = true }
            try #require(other.run { isListening.value })
            let near = try stage.link()
            try stage.connect(near)
            let (client, atClient) = try stage.client(near)
            try #require(
                stage.loop.run {
                    other.turn()
                    return atClient.openCount == 1 && atServer.openCount == 1
                })
            // More than the kernel keeps for the server's socket and the broker's: the broker drops the connection.
            let connection = try #require(atClient.connections.first)
            let message = pattern(500_000)
            for _ in 0..<100 {
                try client.send(message)
                try #require(stage.loop.run { connection.pendingByteCount == 0 })
            }
            try stage.settle(near)
            try #require(other.run { atServer.isEverythingClosed })
            #expect(atServer.reasons == [.sessionLost(.linkLost)])
            #expect(atServer.messageCount < 100 && atClient.reasons == [])
            isListening.value = false
            link.whenReadByBroker { isListening.value = true }
            try #require(other.run { isListening.value })
            // The client learns of it with its next heartbeat.
            let tick = stage.configuration.sessionTimeout / SessionFlow.ticksPerTimeout
            for _ in 0...SessionFlow.heartbeatInterval { stage.loop.reactor.advance(by: tick) }
            try #require(
                stage.loop.run {
                    other.turn()
                    return atClient.isEverythingClosed
                })
            #expect(atClient.reasons == [.sessionLost(.unknownSession)])
            #expect(other.end() == [])
        }
    }

    @Test func `stays while both ends have nothing to say`() throws {
        try withStage(in: VirtualTime()) { stage in
            let pair = try stage.pair()
            let sessions = pair.links.server.sessions.open + pair.links.client.sessions.open
            let tick = stage.configuration.sessionTimeout / SessionFlow.ticksPerTimeout
            for _ in 0..<20 {
                for _ in 0..<SessionFlow.heartbeatInterval { stage.loop.reactor.advance(by: tick) }
                // One of the two ticks at most has passed since the other end's heartbeat.
                try #require(stage.loop.run { sessions.allSatisfy { $0.silentTickCount <= 1 } })
            }
            #expect(sessions.count == 2 && pair.atServer.reasons == [] && pair.atClient.reasons == [])
            try pair.client.send("still there")
            try #require(stage.loop.run { pair.atServer.texts == ["still there"] })
        }
    }

    @Test func `ends when a piece is missing, for both ends`() throws {
        try withStage { stage in
            let pair = try stage.pair()
            // As if the broker had dropped numbers 0 to 6.
            let session = try #require(pair.links.server.sessions.open.first)
            pair.links.client.publish(
                Piece(.data, sequence: 7), to: pair.links.server.inbox(of: session.token), frame("lost").span)
            try #require(stage.loop.run { pair.atServer.isEverythingClosed && pair.atClient.isEverythingClosed })
            #expect(pair.atServer.messageCount == 0)
            #expect(pair.atServer.reasons == [.sessionLost(.pieceLost)])
            #expect(pair.atClient.reasons == [.sessionLost(.unknownSession)])
        }
    }

    @Test func `ends for what is no piece, and for no other session of the link`() throws {
        try withStage { stage in
            let pair = try stage.pair()
            let (_, second) = try stage.client(pair.links.client)
            try #require(stage.loop.run { second.openCount == 1 && pair.atServer.openCount == 2 })
            let session = try #require(pair.links.client.sessions.open.first)
            let isFirst = session.serves(try pair.clientConnection)
            pair.links.server.publish(Array("noise".utf8), to: pair.links.client.inbox(of: session.token))
            let (hit, other) = isFirst ? (pair.atClient, second) : (second, pair.atClient)
            try #require(stage.loop.run { hit.isEverythingClosed })
            #expect(hit.reasons == [.sessionLost(.malformed)] && other.reasons == [])
        }
    }

    @Test func `tells the sender that it no longer sends`() throws {
        try withStage { stage in
            let pair = try stage.pair()
            stage.broker.kill()
            try #require(stage.loop.run { pair.atClient.isEverythingClosed })
            #expect(throws: PipeError.notConnected(.ended)) { try pair.client.send("into the void") }
        }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A link` {
    @Test func `reports its states`() throws {
        try withStage { stage in
            let link = try stage.link()
            var events: [NATSLink.Event] = []
            link.onEvent = { events.append($0) }
            #expect(link.state == .connecting)
            try stage.connect(link)
            try #require(stage.loop.run { !events.isEmpty })
            #expect(events == [.state(.connected(stage.broker.url))])
            stage.broker.kill()
            try #require(stage.loop.run { events.count >= 2 })
            guard case .state(.waiting(_, .connectionLost)) = events[1] else { Issue.record("\(events)"); return }
            try stage.broker.start(stage.loop)
            try stage.connect(link)
            link.close()
            try #require(stage.loop.run { events.last == .state(.closed) })
        }
    }

    @Test func `says that no broker answers, and connects once there is one`() throws {
        try withStage { stage in
            stage.broker.kill()
            let link = try stage.link()
            let (_, atServer) = try stage.server(link)
            try #require(stage.loop.run { if case .waiting(_, .noBroker) = link.state { true } else { false } })
            let (_, failing) = try stage.client(link)
            try #require(stage.loop.run { !failing.failures.isEmpty })
            #expect(failing.failures == [.linkFailed("no NATS server answers")])
            var configuration = PipeClient.Configuration()
            configuration.waitsForServer = true
            configuration.connectTimeout = .seconds(25)
            let (_, waiting) = try stage.client(link, "echo", configuration)
            try stage.broker.start(stage.loop)
            try #require(stage.loop.run { waiting.openCount == 1 && atServer.openCount == 1 })
        }
    }

    @Test func `lets a client know that there is no server`() throws {
        try withStage { stage in
            let link = try stage.link()
            try stage.connect(link)
            let (client, recorder) = try stage.client(link, "nothing.here")
            try #require(stage.loop.run { !recorder.failures.isEmpty })
            #expect(recorder.failures == [.noServer(client.address)])
            #expect(link.sessions.isEmpty)
        }
    }

    @Test func `lets a client wait for a server`() throws {
        try withStage { stage in
            let link = try stage.link()
            try stage.connect(link)
            var configuration = PipeClient.Configuration()
            configuration.waitsForServer = true
            let (client, recorder) = try stage.client(link, "echo", configuration)
            try #require(stage.loop.run { client.state == .waitingForServer })
            _ = try stage.server(link)
            try #require(stage.loop.run { recorder.openCount == 1 })
        }
    }

    @Test func `forgets an opening that its client gives up`() throws {
        try withStage { stage in
            let link = try stage.link()
            let (client, _) = try stage.client(link)
            try #require(stage.loop.run { !link.sessions.isEmpty })
            client.disconnect()
            #expect(link.sessions.isEmpty)
        }
    }

    @Test func `is refused with a wrong password, and says so`() throws {
        try withStage(["--user", "ann", "--pass", "right"]) { stage in
            stage.configuration.credentials = .user("ann", password: "wrong")
            let link = try stage.link()
            try #require(stage.loop.run { if case .waiting(_, .notAuthorized) = link.state { true } else { false } })
            let (_, recorder) = try stage.client(link)
            try #require(stage.loop.run { !recorder.failures.isEmpty })
            #expect(recorder.failures == [.linkFailed("the NATS server refuses the credentials")])
            stage.configuration.credentials = .user("ann", password: "right")
            try stage.connect(try stage.link())
        }
    }

    @Test func `shows no password in its state`() throws {
        try withStage(["--user", "ann", "--pass", "secret"]) { stage in
            let link = try NATSLink(
                servers: ["nats://ann:secret@127.0.0.1:\(stage.broker.port)"], reactor: stage.loop.reactor)
            try stage.connect(link)
            #expect(!"\(link.state)".contains("secret"))
        }
    }

    @Test func `cannot be made with what is no URL, or with files that do not exist`() throws {
        let loop = try Loop()
        for servers in [[], [""], ["nats://a\0b"]] {
            #expect(throws: NATSError.self) { try NATSLink(servers: servers, reactor: loop.reactor) }
        }
        var configuration = NATSLink.Configuration()
        configuration.tls = NATSLink.TLS()
        configuration.tls?.authoritiesPath = "/nowhere/ca.pem"
        #expect(throws: NATSError.self) {
            try NATSLink(servers: ["nats://x"], configuration: configuration, reactor: loop.reactor)
        }
        #expect(loop.end() == [])
    }

    @Test func `knows when the broker has read all that was sent before`() throws {
        try withStage { stage in
            stage.broker.kill()
            let (servers, clients) = (try stage.link(), try stage.link())
            _ = try stage.server(servers)
            var isRead = false
            servers.whenReadByBroker { isRead = true }
            try #require(stage.loop.run { if case .waiting = servers.state { true } else { false } })
            #expect(!isRead)
            try stage.broker.start(stage.loop)
            try #require(stage.loop.run { isRead })
            try stage.connect(clients)
            let (_, recorder) = try stage.client(clients)
            try #require(stage.loop.run { recorder.openCount == 1 })
            #expect(recorder.failures == [])
        }
    }

    @Test func `writes what is left before it closes`() throws {
        try withStage { stage in
            // Silence is not what ends anything here.
            stage.configuration.sessionTimeout = .seconds(600)
            stage.configuration.sessionWindow = 1 << 30
            let pair = try stage.pair()
            let (link, message) = (pair.links.client, pattern(64 << 10))
            stage.broker.signal(SIGSTOP)
            var sentCount = 0
            while try #require(link.line).unwrittenByteCount == 0 {
                try pair.client.send(message)
                sentCount += 1
                stage.loop.turn()
            }
            pair.client.disconnect()
            try #require(stage.loop.run { pair.atClient.isEverythingClosed })
            link.close()
            stage.loop.settle()
            #expect(link.line != nil)
            stage.broker.signal(SIGCONT)
            try #require(
                stage.loop.run(whileGrowing: { pair.atServer.messageCount }) { pair.atServer.isEverythingClosed })
            #expect(pair.atServer.messageCount == sentCount && pair.atServer.reasons == [.closedByPeer])
            try #require(stage.loop.run { link.line == nil })
        }
    }

    @Test func `closes all the same if the broker takes nothing more`() throws {
        let time = VirtualTime()
        try withStage(in: time) { stage in
            let pair = try stage.pair()
            let link = pair.links.client
            stage.broker.signal(SIGSTOP)
            let message = pattern(256 << 10)
            // More than any buffer of the kernel has room for.
            while try #require(link.line).unwrittenByteCount < 64 << 20 {
                link.publish(message, to: link.inbox(of: .random()))
                stage.loop.turn()
            }
            var events: [NATSLink.Event] = []
            link.onEvent = { events.append($0) }
            link.close()
            stage.loop.turn()
            #expect(!events.contains(.state(.closed)))
            stage.loop.reactor.advance(by: stage.configuration.sessionTimeout)
            try #require(stage.loop.run { events.last == .state(.closed) })
            stage.broker.signal(SIGCONT)
        }
    }

    @Test func `closes with all that is on it`() throws {
        try withStage { stage in
            let pair = try stage.pair()
            pair.links.client.close()
            try #require(stage.loop.run { pair.atClient.isEverythingClosed })
            #expect(pair.atClient.reasons == [.sessionLost(.linkLost)])
            let (_, late) = try stage.client(pair.links.client)
            try #require(stage.loop.run { !late.failures.isEmpty })
            #expect(late.failures == [.linkFailed("the link was closed")])
        }
    }
}
#endif

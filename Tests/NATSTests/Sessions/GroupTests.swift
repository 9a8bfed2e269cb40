// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `Servers at one name` {
    @Test func `share the clients`() throws {
        try withStage { stage in
            let links = try (0..<3).map { _ in try stage.link() }
            let servers = try links.map { try stage.server($0) }
            let near = try stage.link()
            for link in links { try stage.connect(link) }
            try stage.connect(near)
            for link in links { try stage.settle(link) }
            let clients = try (0..<150).map { _ in try stage.client(near) }
            try #require(stage.loop.run { clients.allSatisfy { $0.1.openCount == 1 } })
            let counts = servers.map(\.1.openCount)
            #expect(counts.reduce(0, +) == 150)
            // By chance: the probability of fewer than 10 of 150 is below 1e-13.
            #expect(counts.allSatisfy { $0 >= 10 })
        }
    }

    @Test func `leave the group when they stop, and finish what they have`() throws {
        try withStage { stage in
            let links = (try stage.link(), try stage.link())
            let (leaving, atLeaving) = try stage.server(links.0)
            try stage.connect(links.0, links.1)
            var configuration = PipeClient.Configuration()
            configuration.waitsForServer = true
            let (_, first) = try stage.client(links.1, "echo", configuration)
            try #require(stage.loop.run { first.openCount == 1 && atLeaving.openCount == 1 })
            let (_, atStaying) = try stage.server(links.1)
            try atLeaving.connections.first?.send("last")
            leaving.stop(gracePeriod: .seconds(10))
            try #require(stage.loop.run { first.isEverythingClosed && leaving.isStopped })
            #expect(first.texts == ["last"] && first.reasons == [.closedByPeer])
            let clients = try (0..<20).map { _ in try stage.client(links.1, "echo", configuration) }
            try #require(stage.loop.run { atStaying.openCount == 20 })
            #expect(clients.count == 20 && atLeaving.openCount == 1)
            try #require(stage.loop.run { links.0.listeners.isEmpty })
        }
    }
}
#endif

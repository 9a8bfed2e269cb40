// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

/// Processes of the example ClusteredCounter, which is built beside the tests.
@Suite(.requiresBroker) struct `Server processes at one name` {
    @Test func `answer for one that was killed, and no client waits for ever`() throws {
        try withCounters { stage, processes, link in
            var configuration = Self.configuration
            configuration.reconnection = PipeClient.Reconnection()
            let clients = try (0..<60).map { _ in try stage.client(link, "counter", configuration) }
            for (client, recorder) in clients { recorder.whenOpened = { _ in _ = try? client.send("+1") } }
            try #require(stage.loop.run { clients.allSatisfy { $0.1.messageCount == 1 } })
            // By chance, none of 60 clients is at one of three servers once in 10^10.
            let victim = "server-1"
            let hit = clients.filter { $0.1.texts[0].hasPrefix("\(victim) ") }
            #expect(!hit.isEmpty && hit.count < 60)
            processes[1].kill()
            try #require(stage.loop.run { hit.allSatisfy { $0.1.messageCount == 2 } })
            for (_, recorder) in hit {
                #expect(recorder.reasons == [.sessionLost(.silent)])
                #expect(!recorder.texts[1].hasPrefix("\(victim) "))
            }
            for (_, recorder) in clients where !hit.contains(where: { $0.1 === recorder }) {
                #expect(recorder.reasons == [])
            }
        }
    }

    @Test func `share 1,500 short sessions evenly`() throws {
        try withCounters { stage, processes, link in
            var counts: [Substring: Int] = [:]
            for _ in 0..<30 {
                let clients = try (0..<50).map { _ in try stage.client(link, "counter", Self.configuration) }
                for (client, recorder) in clients {
                    recorder.whenOpened = { _ in _ = try? client.send("+1") }
                    recorder.whenReceived = { _, _ in client.disconnect() }
                }
                try #require(stage.loop.run { clients.allSatisfy { $0.1.isEverythingClosed } })
                for (_, recorder) in clients { counts[recorder.texts[0].prefix { $0 != " " }, default: 0] += 1 }
            }
            #expect(counts.values.reduce(0, +) == 1500 && counts.count == processes.count)
            // Within 20 % of 500. The broker chooses by chance: that is 5.4 standard deviations, once in 10^7 runs not.
            #expect(counts.values.allSatisfy { (400...600).contains($0) }, "\(counts)")
        }
    }

    private static var configuration: PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        configuration.waitsForServer = true
        configuration.connectTimeout = .seconds(25)
        return configuration
    }

    /// Three processes that serve one name, and a link to their broker.
    private func withCounters(_ body: (Stage, [TestProcess], NATSLink) throws -> Void) throws {
        try withStage { stage in
            let directory = try FreshDirectory()
            let processes = try (0..<3).map { index in
                let name = "server-\(index)"
                let socket = "\(directory.path)/\(name).sock"
                return try TestProcess(built: "ClusteredCounter", [socket, "\(stage.broker.url)/counter", name])
            }
            let link = try stage.link()
            try stage.connect(link)
            try hear(from: processes.count, stage, link, Self.configuration)
            try body(stage, processes, link)
        }
    }

    /// Opens one session after the other, until so many servers have answered: all have joined the group.
    private func hear(
        from count: Int, _ stage: Stage, _ link: NATSLink, _ configuration: PipeClient.Configuration
    ) throws {
        var names: Set<Substring> = []
        while names.count < count {
            let (client, recorder) = try stage.client(link, "counter", configuration)
            recorder.whenOpened = { _ in _ = try? client.send("who") }
            try #require(stage.loop.run { recorder.messageCount == 1 })
            names.insert(recorder.texts[0].prefix { $0 != " " })
            client.disconnect()
        }
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Reconnection` {
    private func configuration(
        maximum: Duration = .milliseconds(8), attempts: Int? = nil
    ) -> PipeClient.Configuration {
        var reconnection = PipeClient.Reconnection()
        reconnection.initialDelay = .milliseconds(1)
        reconnection.maximumDelay = maximum
        reconnection.jitter = 0
        reconnection.maximumAttemptCount = attempts
        var configuration = PipeClient.Configuration()
        configuration.reconnection = reconnection
        return configuration
    }

    private func delays(_ recorder: Recorder) -> [Duration] {
        recorder.states.compactMap { if case .waitingToReconnect(let delay) = $0 { delay } else { nil } }
    }

    @Test func `brings the client to the server's successor`() throws {
        try withLoop { loop in
            let (server, first) = try loop.server()
            let (client, recorder) = loop.client(configuration())
            try #require(loop.run { recorder.openCount == 1 && first.openCount == 1 })
            server.stop()
            try #require(loop.run { first.stopCount == 1 && recorder.reasons.count == 1 })
            let (_, second) = try loop.server()
            try #require(loop.run { second.openCount == 1 && recorder.openCount == 2 })
            try client.send("to the second")
            try #require(loop.run { second.texts == ["to the second"] })
            #expect(
                recorder.states.prefix(3) == [.connecting, .connected, .waitingToReconnect(after: .milliseconds(1))])
            #expect(recorder.states.last == .connected)
            #expect(recorder.failures == [])
        }
    }

    @Test func `waits longer and longer, up to the maximum`() throws {
        try withLoop { loop in
            let (server, _) = try loop.server()
            let (_, recorder) = loop.client(configuration(maximum: .seconds(100)))
            try #require(loop.run { recorder.openCount == 1 })
            server.stop()
            try #require(loop.run { delays(recorder).count == 6 })
            #expect(delays(recorder) == [1, 2, 4, 8, 16, 32].map { .milliseconds($0) })
        }
        try withLoop { loop in
            let (server, _) = try loop.server()
            let (_, recorder) = loop.client(configuration(maximum: .milliseconds(4)))
            try #require(loop.run { recorder.openCount == 1 })
            server.stop()
            try #require(loop.run { delays(recorder).count == 6 })
            #expect(delays(recorder).suffix(3) == [4, 4, 4].map { .milliseconds($0) })
        }
    }

    @Test func `gives up after a number of failures in a row`() throws {
        try withLoop { loop in
            let (server, _) = try loop.server()
            let (client, recorder) = loop.client(configuration(attempts: 3))
            try #require(loop.run { recorder.openCount == 1 })
            server.stop()
            try #require(loop.run { !recorder.failures.isEmpty })
            #expect(delays(recorder).count == 3)
            #expect(recorder.failures == [.noServer(loop.address)])
            #expect(client.state == .idle)
            #expect(recorder.states.last == .idle)
        }
    }

    @Test func `counts failures in a row, and a connection ends the row`() throws {
        try withLoop { loop in
            let (server, atServer) = try loop.server()
            atServer.whenOpened = { if atServer.openCount <= 6 { $0.abort() } }
            let (client, recorder) = loop.client(configuration(attempts: 3))
            try #require(loop.run { recorder.openCount == 7 && atServer.openCount == 7 })
            #expect(client.state == .connected)
            server.stop()
            try #require(loop.run { !recorder.failures.isEmpty })
            #expect(delays(recorder).count == 6 + 3)
        }
    }

    @Test func `with no attempts allowed does not happen`() throws {
        try withLoop { loop in
            let (_, atServer) = try loop.server()
            atServer.whenOpened = { $0.abort() }
            let (client, recorder) = loop.client(configuration(attempts: 0))
            try #require(loop.run { recorder.states.count == 3 })
            #expect(recorder.states == [.connecting, .connected, .idle])
            #expect(client.state == .idle)
        }
    }

    @Test func `starts over after a connection that lasted`() throws {
        try withLoop { loop in
            let (_, atServer) = try loop.server()
            atServer.whenOpened = { if atServer.openCount <= 3 { $0.abort() } }
            let (_, recorder) = loop.client(configuration(maximum: .milliseconds(500)))
            try #require(loop.run { recorder.openCount == 4 && atServer.openCount == 4 })
            #expect(delays(recorder) == [1, 2, 4].map { .milliseconds($0) })
            loop.run(for: .milliseconds(510))
            atServer.connections.first?.abort()
            try #require(loop.run { recorder.openCount == 5 })
            #expect(delays(recorder).last == .milliseconds(1))
        }
    }

    @Test func `does not follow a close at this end`() throws {
        try withLoop { loop in
            let pair = try Pair(loop, client: configuration())
            try pair.connection.close()
            try #require(loop.run { pair.atClient.states.last == .idle })
            #expect(pair.atClient.states == [.connecting, .connected, .idle])
            pair.client.connect()
            try #require(loop.run { pair.atClient.openCount == 2 })
        }
    }

    @Test func `is not for a first connection that never came about`() throws {
        try withLoop { loop in
            let (_, recorder) = loop.client(configuration())
            try #require(loop.run { !recorder.failures.isEmpty })
            #expect(recorder.states == [.connecting, .idle])
        }
    }

    @Test func `can wait for the server as well`() throws {
        try withLoop { loop in
            var configuration = configuration()
            configuration.waitsForServer = true
            let (server, _) = try loop.server()
            let (client, recorder) = loop.client(configuration)
            try #require(loop.run { recorder.openCount == 1 })
            server.stop()
            try #require(loop.run { client.state == .waitingForServer })
            let (_, second) = try loop.server()
            try #require(loop.run { second.openCount == 1 && recorder.openCount == 2 })
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `A client that is closed before an answer` {
    /// The causes that the client knows when its connection has ended.
    private func causes(
        _ loop: Loop, _ configuration: PipeClient.Configuration = PipeClient.Configuration(),
        whenOpened: @escaping (PipeConnection) -> Void = { _ in }
    ) throws -> [UnansweredClose.Cause]? {
        let known = Box<[UnansweredClose.Cause]?>(nil)
        let recorder = loop.recorder()
        recorder.whenOpened = whenOpened
        recorder.whenClosed = { connection, _ in known.value = connection.unansweredClose?.causes }
        _ = loop.client(configuration, recorder)
        try #require(loop.run { recorder.isEverythingClosed })
        return known.value
    }

    @Test func `knows that it sent in another framing, or that its message was too large`() throws {
        try withLoop { loop in
            _ = try loop.server()
            let newline = PipeClient.Configuration(framing: DelimiterFraming.newline)
            #expect(try causes(loop, newline) { _ = try? $0.send("hello") } == [.framing])
            let large = PipeClient.Configuration(framing: LengthPrefixFraming(maximumMessageByteCount: 64 << 20))
            let found = try #require(try causes(loop, large) { _ = try? $0.send(letters(20 << 20)) })
            #expect(found.starts(with: [.framing, .messageSize]))
        }
    }

    @Test func `knows that it may have been refused`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.accessPolicy = .users([1 << 30])
            _ = try loop.server(configuration)
            #expect(try causes(loop) == [.refusal])
            let found = try #require(try causes(loop) { _ = try? $0.send("hello") })
            #expect(found.contains(.refusal))
        }
    }

    @Test func `knows nothing of the kind after an answer, on this connection`() throws {
        try withLoop { loop in
            let (_, atServer) = try loop.server()
            atServer.whenReceived = { connection, message in
                _ = try? connection.send(message)
                connection.close()
            }
            #expect(try causes(loop) { _ = try? $0.send("hello") } == nil)
        }
    }

    @Test func `counts each of its connections alone`() throws {
        try withLoop { loop in
            let (_, atServer) = try loop.server()
            var isFirst = true
            atServer.whenReceived = { connection, message in
                if isFirst { _ = try? connection.send(message) }
                isFirst = false
                connection.close()
            }
            var causes: [[UnansweredClose.Cause]?] = []
            let recorder = loop.recorder()
            recorder.whenOpened = { _ = try? $0.send("hello") }
            recorder.whenClosed = { connection, _ in causes.append(connection.unansweredClose?.causes) }
            var configuration = PipeClient.Configuration()
            configuration.reconnection = PipeClient.Reconnection()
            let (client, _) = loop.client(configuration, recorder)
            try #require(loop.run { causes.count >= 2 })
            #expect(causes.prefix(2) == [nil, [.framing]])
            client.disconnect()
        }
    }

    @Test func `has no causes at the server's end`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let accepted = try pair.accepted
            pair.client.disconnect()
            try #require(loop.run { pair.atServer.isEverythingClosed })
            #expect(accepted.unansweredClose == nil)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Messages without a connection` {
    private func keeping(limit: Int = 32 << 20) -> PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        configuration.unsentMessages = .keep
        configuration.connection.sendQueueLimit = limit
        configuration.reconnection = PipeClient.Reconnection()
        configuration.reconnection?.initialDelay = .milliseconds(1)
        return configuration
    }

    private func idleClient(_ loop: Loop, limit: Int = 32 << 20) -> (PipeClient, Recorder) {
        let recorder = loop.recorder()
        let configuration = keeping(limit: limit)
        let client = PipeClient(
            address: loop.address, configuration: configuration, reactor: loop.reactor, delegate: recorder)
        return (client, recorder)
    }

    @Test func `are refused with the reason: never, not yet, or not any more`() throws {
        try withLoop { loop in
            let client = PipeClient(address: loop.address, reactor: loop.reactor, delegate: loop.recorder())
            #expect(throws: PipeError.notConnected(.notBegun)) { try client.send("x") }
            client.connect()
            #expect(throws: PipeError.notConnected(.pending)) { try client.send("x") }
            try #require(loop.run { client.state == .idle })
            #expect(throws: PipeError.notConnected(.ended)) { try client.send("x") }
        }
        #expect(PipeError.notConnected(.notBegun).remedy == "call connect() first")
        #expect("\(PipeError.notConnected(.pending))" == "not connected yet")
        #expect("\(PipeError.notConnected(.finished))" == "not connected any more: this end has finished")
        #expect(PipeError.notConnected(.ended).remedy == nil)
    }

    @Test func `are refused by default`() throws {
        try withLoop { loop in
            let (client, recorder) = loop.client()
            #expect(throws: PipeError.notConnected(.pending)) { try client.send("x") }
            try #require(loop.run { recorder.failures.count == 1 })
            #expect(throws: PipeError.notConnected(.ended)) { try client.send("x") }
            #expect(client.keptMessageCount == 0)
        }
    }

    @Test func `are kept if that is wanted, and leave first and in order`() throws {
        try withLoop { loop in
            let (client, recorder) = idleClient(loop)
            for number in 0..<10 { #expect(try client.send("kept \(number)") == .accepted) }
            #expect(client.keptMessageCount == 10)
            let (_, atServer) = try loop.server()
            recorder.whenOpened = { _ in _ = try? client.send("opened") }
            client.connect()
            try #require(loop.run { atServer.messageCount == 11 })
            #expect(atServer.texts == (0..<10).map { "kept \($0)" } + ["opened"])
            #expect(client.keptMessageCount == 0)
        }
    }

    @Test func `are not lost when more is sent as soon as the state is connected`() throws {
        try withLoop { loop in
            let (client, recorder) = idleClient(loop)
            try client.send("kept")
            let (_, atServer) = try loop.server()
            recorder.whenChanged = { _, state in if state == .connected { _ = try? client.send("connected") } }
            client.connect()
            try #require(loop.run { atServer.messageCount == 2 })
            #expect(atServer.texts == ["kept", "connected"])
        }
    }

    @Test func `may be in-place messages of any size`() throws {
        try withLoop { loop in
            let (client, recorder) = idleClient(loop)
            let large = [UInt8](repeating: 7, count: 300_000)
            try client.send(PipeMessage(copying: large))
            let (_, atServer) = try loop.server()
            recorder.whenOpened = { _ in _ = try? client.send(PipeMessage(copying: large)) }
            client.connect()
            try #require(loop.run { atServer.messageCount == 2 })
            #expect(atServer.messages == [large, large])
        }
    }

    @Test func `are refused above the limit, and none of them is kept`() throws {
        try withLoop { loop in
            let (client, _) = idleClient(loop, limit: 1000)
            try client.send(pattern(2000))
            #expect(throws: PipeError.sendQueueFull(limit: 1000)) { try client.send("x") }
            #expect(client.keptMessageCount == 1)
            let (other, _) = idleClient(loop)
            let byteCount = (16 << 20) + 1
            #expect(throws: PipeError.messageTooLarge(byteCount: byteCount, limit: 16 << 20)) {
                try other.send([UInt8](repeating: 0, count: byteCount))
            }
            #expect(other.keptMessageCount == 0)
        }
    }

    @Test func `65 are sent again only if not one byte of them had left`() throws {
        try withLoop { loop in
            let raw = try RawServer(loop, keeping())
            let connection = try #require(raw.client.connection)
            let sent = (0..<200).map { pattern(7001, seed: $0) }
            for message in sent { try raw.client.send(message) }
            loop.settle()
            raw.peer.readAll()
            // A test beside this one may be forking: until its child has called exec, the child has a copy of the
            // descriptor, and a close alone would let more bytes leave.
            raw.peer.finishReading()
            raw.peer.close()
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            let arrived = raw.peer.frames
            let isCut = raw.peer.received.count > arrived.count * 7005
            #expect(connection.hasPartlySentMessage == isCut)
            #expect(connection.unsentMessageCount == 200 - arrived.count - (isCut ? 1 : 0))
            var second: RawPeer?
            try #require(
                loop.poll {
                    second = second ?? raw.listener.accept()
                    second?.readAll()
                    return second?.received.count == connection.unsentMessageCount * 7005
                })
            #expect(arrived == Array(sent.prefix(arrived.count)))
            #expect(second?.frames == Array(sent.suffix(connection.unsentMessageCount)))
            #expect(raw.client.keptMessageCount == 0)
        }
    }

    @Test func `that were accepted while the connection was ending are not lost`() throws {
        try withLoop { loop in
            let raw = try RawServer(loop, keeping())
            let connection = try #require(raw.client.connection)
            connection.pauseReceiving()
            raw.peer.finishReading()
            raw.peer.close()
            try raw.client.send("1")
            loop.settle()
            #expect(!connection.isOpen && raw.recorder.reasons.isEmpty)
            try raw.client.send("2")
            #expect(raw.client.keptMessageCount == 2)
            connection.resumeReceiving()
            var second: RawPeer?
            try #require(
                loop.poll {
                    second = second ?? raw.listener.accept()
                    second?.readAll()
                    return second?.frames.count == 2
                })
            #expect(second?.texts == ["1", "2"])
        }
    }

    @Test func `are not kept when this end closed the connection`() throws {
        try withLoop { loop in
            let raw = try RawServer(loop, keeping())
            let connection = try #require(raw.client.connection)
            try raw.client.send("aborted")
            connection.abort()
            try #require(loop.run { raw.recorder.reasons == [.closedLocally] && raw.client.state == .idle })
            #expect(connection.unsentMessageCount == 1)
            #expect(raw.client.keptMessageCount == 0)
        }
    }

    @Test func `are dropped by disconnect, which reports how many`() throws {
        try withLoop { loop in
            let (client, recorder) = loop.client(keeping())
            try client.send("1")
            try client.send("2")
            var kept = 0
            recorder.whenChanged = { client, state in if state == .disconnected { kept = client.keptMessageCount } }
            client.disconnect()
            loop.settle()
            #expect(kept == 2)
            #expect(client.keptMessageCount == 0)
            #expect(throws: PipeError.notConnected(.ended)) { try client.send("3") }
        }
    }
}

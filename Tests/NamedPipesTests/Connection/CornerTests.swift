// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

/// Findings of a review of the core: each of these failed once.
@Suite struct Corners {
    @Test func `a close sends the queue also to a server that waits for room to answer`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            pair.atServer.keepsMessages = false
            let bulk = pattern(100_000)
            pair.atServer.whenReceived = { connection, _ in _ = try? connection.send(bulk) }
            for _ in 0..<50 { try pair.client.send(bulk) }
            try pair.connection.close()
            try #require(loop.run { pair.atClient.isEverythingClosed && pair.atServer.isEverythingClosed })
            #expect(pair.atServer.messageCount == 50)
            #expect(pair.atClient.reasons == [.closedLocally])
            #expect(pair.atClient.unsentMessageCount == 0)
        }
    }

    @Test func `no drain is reported for a queue that takes no more`() throws {
        for isClosing in [true, false] {
            try withLoop { loop in
                let raw = try RawClient(loop)
                let connection = try raw.accepted
                for _ in 0..<40 { try connection.send(pattern(100_000)) }
                if isClosing { connection.close() } else { connection.finishSending() }
                try #require(
                    loop.poll {
                        raw.peer.readAll()
                        return raw.peer.isAtEnd
                    })
                #expect(raw.recorder.drainCount == 0)
                #expect(raw.peer.frames.count == 40)
            }
        }
    }

    @Test func `messages kept above the mark bring a drain on the next connection`() throws {
        try withLoop { loop in
            var configuration = PipeClient.Configuration()
            configuration.unsentMessages = .keep
            configuration.connection.highWaterMark = 10_000
            configuration.connection.lowWaterMark = 1_000
            let recorder = loop.recorder()
            let client = PipeClient(
                address: loop.address, configuration: configuration, reactor: loop.reactor, delegate: recorder)
            #expect(try client.send(pattern(20_000)) == .acceptedAboveHighWaterMark)
            let (_, atServer) = try loop.server()
            client.connect()
            try #require(loop.run { atServer.messageCount == 1 && recorder.drainCount == 1 })
        }
    }

    @Test func `a message is refused only after the kernel was asked to take the waiting ones`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.sendQueueLimit = 4096
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            for _ in 0..<200 { try connection.send(pattern(60)) }
        }
    }

    @Test func `a reset after the peer's half-close is a reset`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            raw.recorder.whenFinished = { _ in _ = try? connection.send("unread") }
            raw.peer.finishWriting()
            loop.settle()
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.resetByPeer])
        }
    }

    @Test func `32 two bytes of a frame pin no memory that a large one has left`() throws {
        try withLoop { loop in
            let (_, recorder) = try loop.server()
            recorder.keepsMessages = false
            let (pump, _) = loop.client()
            var peers: [RawPeer] = []
            for round in 0..<4 {
                try #require(loop.run { pump.connection != nil })
                try pump.send(pattern(7 << 20))
                try #require(loop.run { recorder.messageCount == round + 1 })
                let peer = try RawPeer(connectingTo: loop.address)
                peers.append(peer)
                try #require(loop.run { recorder.openCount == round + 2 })
                peer.writeAll([0, 0])
                loop.settle()
            }
            #expect(
                recorder.connections.compactMap { $0.reassembly?.memory.bytes.capacity }.allSatisfy { $0 <= 64 << 10 })
        }
    }

    @Test func `32 a large header and two bytes of body hold 64 KiB at most`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            for bytes: [UInt8] in [[0x00, 0xF0, 0, 0], [1], [1]] {
                raw.peer.writeAll(bytes)
                loop.settle()
            }
            #expect(try #require(connection.reassembly).memory.bytes.capacity <= 66 << 10)
        }
    }
}

@Suite struct `Corners of a client` {
    @Test func `connecting again from didCloseWith connects`() throws {
        try withLoop { loop in
            let (_, atServer) = try loop.server()
            atServer.whenOpened = { if atServer.openCount == 1 { $0.close() } }
            let (client, recorder) = loop.client()
            recorder.whenClosed = { _, _ in if recorder.openCount == 1 { client.connect() } }
            try #require(loop.run { recorder.openCount == 2 })
            #expect(client.state == .connected)
        }
    }

    @Test func `connecting by hand fails at once, whatever was reconnected before`() throws {
        try withLoop { loop in
            var configuration = PipeClient.Configuration()
            configuration.reconnection = PipeClient.Reconnection()
            configuration.reconnection?.initialDelay = .milliseconds(1)
            let (server, atServer) = try loop.server()
            atServer.whenOpened = { if atServer.openCount == 1 { $0.close() } }
            let (client, recorder) = loop.client(configuration)
            try #require(loop.run { recorder.openCount == 2 })
            client.connection?.close()
            try #require(loop.run { client.state == .idle })
            server.stop()
            try #require(loop.run { atServer.stopCount == 1 })
            client.connect()
            try #require(loop.run { !recorder.failures.isEmpty })
            #expect(recorder.failures == [.noServer(loop.address)])
            #expect(client.state == .idle)
        }
    }

    @Test func `a failure is reported before the effects of the delegate's answer to it`() throws {
        try withLoop { loop in
            let (_, recorder) = loop.client()
            var isAgain = false
            recorder.whenChanged = { client, state in
                guard state == .idle, !isAgain else { return }
                isAgain = true
                client.connect()
            }
            try #require(loop.run { recorder.failures.count == 2 })
            #expect(recorder.states == [.connecting, .idle, .connecting, .idle])
        }
    }

    @Test func `one reference is good for all of its connections`() throws {
        try withLoop { loop in
            _ = try loop.server()
            let (client, recorder) = loop.client()
            let reference = client.reference
            for round in 1...2 {
                try #require(loop.run { recorder.openCount == round })
                client.connection?.close()
                try #require(loop.run { client.state == .idle })
                loop.settle()
                if round == 1 { client.connect() }
            }
            let runs = Atomic(0)
            reference.perform { _ in runs.add(1, ordering: .relaxed) }
            try #require(loop.run { runs.load(ordering: .relaxed) == 1 })
        }
    }

    /// Without using the watches up: they belong to the user, and other tests need some.
    @Test func `without a watch it looks every second at the latest`() throws {
        var attempt = ConnectAttempt(address: try .unique(prefix: "test"), waitsForServer: true)
        var generator = SystemRandomNumberGenerator()
        let missing = SystemError(call: "connect", code: 2)
        #expect(attempt.didFail(missing, using: &generator) == .waitForServer(retryAfter: .seconds(5)))
        attempt.canWatch = false
        for _ in 0..<50 {
            guard case .waitForServer(let delay) = attempt.didFail(missing, using: &generator) else {
                Issue.record("it gives up")
                return
            }
            #expect(delay > .zero && delay <= .seconds(1))
        }
    }
}

@Suite struct `Corners of a stop` {
    @Test func `a set-up that fails leaves no name behind`() throws {
        struct Refused: Error {}
        let address = try PipeAddress.unique(prefix: "test")
        #expect(throws: Refused.self) {
            _ = try ReactorThread { reactor in
                _ = try PipeServer(listeningOn: address, reactor: reactor, delegate: Recorder(reactor))
                throw Refused()
            }
        }
        let reactor = try Reactor()
        let again = try PipeServer(listeningOn: address, reactor: reactor, delegate: Recorder(reactor))
        #expect(again.isListening)
        reactor.stop()
        reactor.run()
        #expect(again.isStopped)
    }

    @Test func `a stopped reactor releases its timers and what they captured`() throws {
        weak var seen: Reactor?
        do {
            let reactor = try Reactor()
            seen = reactor
            let server = try PipeServer(
                listeningOn: .unique(prefix: "test"), reactor: reactor, delegate: Recorder(reactor))
            reactor.schedule(after: .seconds(1), repeating: .seconds(1)) { _ = try? server.broadcast("tick") }
            reactor.stop()
            reactor.run()
        }
        #expect(seen == nil)
    }

    @Test func `after it, every send has its verdict and every post is refused`() async throws {
        let sender = try senderOfStoppedReactor()
        await #expect(throws: PipeError.notConnected(.ended)) { try await sender.send([1]) }
        for _ in 0..<10 { sender.post([1]) }
        #expect(sender.droppedMessageCount == 10)
    }

    private func senderOfStoppedReactor() throws -> PipeSender {
        let reactor = try Reactor()
        let recorder = Recorder(reactor)
        let server = try PipeServer(listeningOn: .unique(prefix: "test"), reactor: reactor, delegate: recorder)
        let peer = try RawPeer(connectingTo: server.address)
        reactor.run(timeout: .seconds(30)) { recorder.openCount == 1 }
        let sender = try #require(recorder.connections.first).sender
        reactor.stop()
        reactor.run()
        #expect(!reactor.executor.post { _ in })
        withExtendedLifetime(peer) {}
        return sender
    }
}

@Suite struct `Corners of a long name` {
    private func longAddress() throws -> PipeAddress {
        let path = try #require(PipeAddress.unique(prefix: "test").path)
        let directory = path[..<(path.lastIndex(of: "/") ?? path.endIndex)]
        let stem = path[(path.lastIndex(of: "/") ?? path.startIndex)...].dropFirst()
        return try .path("\(directory)/\(stem)" + String(repeating: "n", count: 107 - path.utf8.count))
    }

    @Test func `one that a killed server left behind is taken over`() throws {
        try withLoop { loop in
            let address = try longAddress()
            do { _ = try RawListener(at: address) }
            let (server, _) = try loop.server(at: address)
            #expect(server.isListening)
        }
    }

    @Test func `one that another program holds is in use`() throws {
        try withLoop { loop in
            let address = try longAddress()
            let stranger = try RawListener(at: address)
            #expect(throws: PipeError.self) { try loop.server(at: address) }
            withExtendedLifetime(stranger) {}
        }
    }
}

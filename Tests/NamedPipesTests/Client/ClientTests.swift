// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `A client` {
    @Test func `without a server fails at once, and may try again`() throws {
        try withLoop { loop in
            let (client, recorder) = loop.client()
            try #require(loop.run { recorder.failures.count == 1 })
            #expect(recorder.failures == [.noServer(loop.address)])
            #expect(recorder.states == [.connecting, .idle])
            #expect(client.state == .idle)
            let (_, atServer) = try loop.server()
            client.connect()
            try #require(loop.run { recorder.openCount == 1 && atServer.openCount == 1 })
            #expect(recorder.states == [.connecting, .idle, .connecting, .connected])
        }
    }

    @Test func `at a name that a crash left behind fails at once`() throws {
        try withLoop { loop in
            let listener = try RawListener(at: loop.address)
            listener.crash()
            let (_, recorder) = loop.client()
            try #require(loop.run { recorder.failures.count == 1 })
            #expect(recorder.failures == [.noServer(loop.address)])
        }
    }

    @Test func `at an abstract name without a server fails at once`() throws {
        try withLoop { loop in
            let address = try PipeAddress.abstract("pipe-test-\(UInt64.random(in: .min ... .max))")
            let (_, recorder) = loop.client(to: address)
            try #require(loop.run { recorder.failures.count == 1 })
            #expect(recorder.failures == [.noServer(address)])
            let (_, atServer) = try loop.server(at: address)
            let (_, second) = loop.client(to: address)
            try #require(loop.run { second.openCount == 1 && atServer.openCount == 1 })
        }
    }

    @Test func `does nothing before connect, and nothing inside it`() throws {
        try withLoop { loop in
            let (_, atServer) = try loop.server()
            let recorder = loop.recorder()
            let client = PipeClient(address: loop.address, reactor: loop.reactor, delegate: recorder)
            loop.settle()
            #expect(recorder.log.isEmpty && client.state == .idle)
            client.connect()
            #expect(recorder.log.isEmpty)
            try #require(loop.run { recorder.openCount == 1 && atServer.openCount == 1 })
            client.connect()
            loop.settle()
            #expect(atServer.openCount == 1)
        }
    }

    @Test func `knows the server's process and user, and the server knows the client's`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let own = PeerCredentials(userID: geteuid(), groupID: getegid(), processID: getpid())
            #expect(try pair.connection.peer == own)
            #expect(try pair.accepted.peer == own)
            #expect(pair.atServer.peers == [own])
        }
    }

    @Test func `63 at a full queue tries until the deadline and reports what it was`() throws {
        try withLoop { loop in
            let listener = try RawListener(at: loop.address, backlog: 0)
            let waiting = try listener.fill()
            var configuration = PipeClient.Configuration()
            configuration.connectTimeout = .milliseconds(60)
            let start = ContinuousClock.now
            let (client, recorder) = loop.client(configuration)
            try #require(loop.run { !recorder.failures.isEmpty })
            #expect(ContinuousClock.now - start >= .milliseconds(60))
            #expect(recorder.failures == [.backlogFull(loop.address)])
            #expect(recorder.states == [.connecting, .idle])
            #expect(client.state == .idle && !waiting.isEmpty)
        }
    }

    @Test func `63 at a full queue connects when there is room`() throws {
        try withLoop { loop in
            let listener = try RawListener(at: loop.address, backlog: 0)
            let waiting = try listener.fill()
            let (_, recorder) = loop.client()
            loop.settle()
            #expect(recorder.openCount == 0)
            for _ in waiting { _ = listener.accept() }
            try #require(loop.run { recorder.openCount == 1 })
            #expect(recorder.states == [.connecting, .connected])
        }
    }

    @Test func `that is told to connect inside its failure tries again, once a turn`() throws {
        try withLoop { loop in
            let recorder = loop.recorder()
            recorder.whenFailed = { client, _ in if recorder.failures.count < 1000 { client.connect() } }
            _ = loop.client(.init(), recorder)
            try #require(loop.run { recorder.failures.count == 1000 })
            #expect(recorder.states.count == 2000)
        }
    }

    @Test func `that is told to connect when it has become idle connects again`() throws {
        try withLoop { loop in
            let (_, atServer) = try loop.server()
            atServer.whenOpened = { $0.close() }
            let recorder = loop.recorder()
            recorder.whenChanged = { client, state in if state == .idle, recorder.openCount < 5 { client.connect() } }
            _ = loop.client(.init(), recorder)
            try #require(loop.run { recorder.reasons.count == 5 && recorder.states.last == .idle })
            #expect(recorder.failures == [])
        }
    }

    @Test func `sends its queue before it disconnects, and is done then`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            for number in 0..<100 { try pair.client.send("\(number)") }
            pair.client.disconnect()
            #expect(throws: PipeError.notConnected(.finished)) { try pair.client.send("late") }
            try #require(loop.run { pair.atClient.states.last == .disconnected && pair.atServer.isEverythingClosed })
            #expect(pair.atServer.texts == (0..<100).map { "\($0)" })
            #expect(pair.atClient.reasons == [.closedLocally])
            #expect(pair.atClient.states == [.connecting, .connected, .disconnected])
            pair.client.connect()
            loop.settle()
            #expect(pair.client.state == .disconnected)
            #expect(pair.atServer.openCount == 1)
        }
    }

    @Test func `can be disconnected inside the end of its connection`() throws {
        try withLoop { loop in
            var configuration = PipeClient.Configuration()
            configuration.reconnection = PipeClient.Reconnection()
            let pair = try Pair(loop, client: configuration)
            pair.atClient.whenClosed = { _, _ in pair.client.disconnect() }
            try pair.accepted.close()
            try #require(loop.run { pair.atClient.isEverythingClosed })
            loop.settle()
            #expect(pair.client.state == .disconnected)
            #expect(pair.atClient.states == [.connecting, .connected, .disconnected])
        }
    }

    enum Place: CaseIterable {
        case beforeConnect, afterConnect, waiting, queueFull, connected, closing, reconnecting, failed
    }

    @Test(arguments: Place.allCases) func `can be disconnected in every state, and is released`(place: Place) throws {
        try withLoop { loop in
            var configuration = PipeClient.Configuration()
            configuration.waitsForServer = place == .waiting
            if place == .reconnecting { configuration.reconnection = PipeClient.Reconnection() }
            var listener: RawListener?
            var queued: [RawPeer] = []
            if place == .queueFull {
                listener = try RawListener(at: loop.address, backlog: 0)
                queued = try listener?.fill() ?? []
            } else if [.connected, .closing, .reconnecting].contains(place) {
                listener = try RawListener(at: loop.address)
            }
            weak var delegate: Recorder?
            let client: PipeClient
            do {
                let recorder = Recorder(loop.reactor)
                delegate = recorder
                client = PipeClient(
                    address: loop.address, configuration: configuration, reactor: loop.reactor, delegate: recorder)
            }
            if place != .beforeConnect { client.connect() }
            if ![.beforeConnect, .afterConnect].contains(place) { loop.settle() }
            if place == .closing { client.connection?.close() }
            if place == .reconnecting {
                listener?.accept()?.close()
                try #require(loop.run { if case .waitingToReconnect = client.state { true } else { false } })
            }
            #expect(delegate?.violations == [])
            client.disconnect()
            loop.settle()
            #expect(client.state == .disconnected)
            #expect(delegate == nil)
            #expect(loop.reactor.registry.count == 0)
            withExtendedLifetime(queued) {}
        }
    }
}

@Suite struct `A client that waits for its server` {
    private var waiting: PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        configuration.waitsForServer = true
        return configuration
    }

    @Test func `connects as soon as there is one`() throws {
        try withLoop { loop in
            let (client, recorder) = loop.client(waiting)
            try #require(loop.run { client.state == .waitingForServer })
            loop.settle()
            let (_, atServer) = try loop.server()
            try #require(loop.run { recorder.openCount == 1 && atServer.openCount == 1 })
            #expect(recorder.states == [.connecting, .waitingForServer, .connected])
        }
    }

    @Test func `finds it also if the directories are made later`() throws {
        try withLoop { loop in
            let directory = try FreshDirectory()
            let address = try directory.address("a/b/pipe")
            let (client, recorder) = loop.client(waiting, to: address)
            try #require(loop.run { client.state == .waitingForServer })
            loop.settle()
            try directory.make("a")
            loop.settle()
            try directory.make("a/b")
            loop.settle()
            #expect(recorder.openCount == 0)
            let (_, atServer) = try loop.server(at: address)
            try #require(loop.run { recorder.openCount == 1 && atServer.openCount == 1 })
        }
    }

    @Test func `finds the successor of a server that crashed`() throws {
        try withLoop { loop in
            let left = try RawListener(at: loop.address)
            left.crash()
            let (client, recorder) = loop.client(waiting)
            try #require(loop.run { client.state == .waitingForServer })
            let (_, atServer) = try loop.server()
            try #require(loop.run { recorder.openCount == 1 && atServer.openCount == 1 })
            withExtendedLifetime(left) {}
        }
    }

    @Test func `finds one that binds before it listens`() throws {
        try withLoop { loop in
            let (client, recorder) = loop.client(waiting)
            try #require(loop.run { client.state == .waitingForServer })
            let listener = try RawListener(at: loop.address, backlog: nil)
            loop.settle()
            #expect(recorder.openCount == 0)
            try listener.listen(8)
            try #require(loop.run { recorder.openCount == 1 })
        }
    }

    @Test func `gives up at the deadline`() throws {
        try withLoop { loop in
            var configuration = waiting
            configuration.connectTimeout = .milliseconds(40)
            let start = ContinuousClock.now
            let (client, recorder) = loop.client(configuration)
            try #require(loop.run { !recorder.failures.isEmpty })
            #expect(ContinuousClock.now - start >= .milliseconds(40))
            #expect(recorder.failures == [.timedOut])
            #expect(recorder.states == [.connecting, .waitingForServer, .idle])
            #expect(client.state == .idle)
        }
    }

    @Test func `costs nothing while it waits`() throws {
        // A directory of its own, because the client hears of everything that happens beside the name.
        let scratch = Scratch()
        let instances = InotifyInstances()
        defer { withExtendedLifetime(instances) {} }
        try withLoop { loop in
            let (client, _) = loop.client(waiting, to: try scratch.address())
            try #require(loop.run { client.state == .waitingForServer })
            loop.settle()
            #expect(loop.turnCount(in: .milliseconds(300)) < 10)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

/// A socket pair: one end for a server to adopt, the other as a plain socket.
private func pair() throws -> (adoptable: Int32, peer: RawPeer) {
    let (one, other) = try RawPeer.pair()
    return (try duplicate(one.descriptor), other)
}

@Suite struct `A server that adopts a connection` {
    @Test func `serves it as any client, beside those of its name`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            recorder.whenReceived = { connection, message in _ = try? connection.send(message.span) }
            let (_, atClient) = loop.client()
            let (adoptable, peer) = try pair()
            server.adopt(try AcceptedConnection(adopting: adoptable))
            peer.writeAll(frame("early"))
            try #require(loop.poll { peer.read() != nil && peer.received.count == 9 })
            #expect(peer.received == frame("early"))
            try #require(loop.run { atClient.openCount == 1 && recorder.openCount == 2 })
            #expect(server.statistics.acceptedCount == 2)
            #expect(recorder.peers.contains { $0.processID == getpid() && $0.userID == getuid() })
            peer.close()
            try #require(loop.run { recorder.reasons == [.closedByPeer] })
        }
    }

    @Test func `needs no name`() throws {
        try withLoop { loop in
            let recorder = loop.recorder()
            let server = PipeServer(
                adoptingFor: try .abstract("nobody-connects-here"), reactor: loop.reactor, delegate: recorder)
            #expect(server.isListening)
            let (adoptable, peer) = try pair()
            server.adopt(try AcceptedConnection(adopting: adoptable))
            peer.writeAll(frame("hello"))
            try #require(loop.run { recorder.texts == ["hello"] })
            server.stop()
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(recorder.reasons == [.serverStopped])
            #expect(!server.isListening)
        }
    }

    @Test func `asks its policy, its limits and its delegate first, and closes what they refuse`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.maximumConnectionCount = 1
            let (server, recorder) = try loop.server(configuration)
            recorder.whenAsked = { _, _ in recorder.peers.count > 1 }
            let pairs = try (0..<3).map { _ in try pair() }
            for pair in pairs {
                server.adopt(try AcceptedConnection(adopting: pair.adoptable))
                pair.peer.writeAll(frame("hello"))
            }
            try #require(loop.run { recorder.refusals.count == 2 })
            #expect(recorder.refusals.map(\.refusal) == [.delegate, .connectionLimit])
            #expect(recorder.openCount == 1)
            for (number, pair) in pairs.enumerated() where number != 1 {
                // On the thread that closes sockets in which descriptors may lie.
                try #require(
                    loop.poll {
                        pair.peer.read()
                        return !pair.peer.readErrors.isEmpty || pair.peer.isAtEnd
                    })
                #expect(pair.peer.readErrors == [ECONNRESET])
            }
        }
    }

    @Test func `does so from other threads, each connection once`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let reference = server.reference
            let pairs = try (0..<40).map { _ in try pair() }
            let numbers = pairs.map(\.adoptable)
            let thread = try ReactorThread { _ in }
            thread.executor.post { _ in
                for number in numbers {
                    do {
                        reference.adopt(try AcceptedConnection(adopting: number))
                    } catch {
                        Issue.record(error)
                    }
                }
            }
            for pair in pairs { pair.peer.writeAll(frame("hello")) }
            try #require(loop.run { recorder.messageCount == 40 })
            #expect(server.connectionCount == 40)
            thread.stop()
            thread.join()
        }
    }

    @Test func `does so in a callback, and calls back later`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let (first, second) = (try pair(), try pair())
            recorder.whenOpened = { connection in
                guard recorder.openCount == 1, let more = try? AcceptedConnection(adopting: second.adoptable) else {
                    return
                }
                connection.server?.adopt(more)
                // Otherwise its first callback would have run inside this one.
                #expect(recorder.openCount == 1)
            }
            server.adopt(try AcceptedConnection(adopting: first.adoptable))
            try #require(loop.run { recorder.openCount == 2 })
            withExtendedLifetime((first.peer, second.peer)) {}
        }
    }

    @Test func `closes one that comes while it stops, and one that comes afterwards`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let pairs = try (0..<3).map { _ in try pair() }
            let reference = server.reference
            server.adopt(try AcceptedConnection(adopting: pairs[0].adoptable))
            try #require(loop.run { recorder.openCount == 1 })
            // What is queued for the first connection keeps the server stopping.
            try #require(recorder.connections.first).fillKernel(loop)
            server.stop(gracePeriod: .seconds(60))
            server.adopt(try AcceptedConnection(adopting: pairs[1].adoptable))
            try #require(loop.run { recorder.refusals.map(\.refusal) == [.stopping] })
            server.stop()
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(reference.adopt(try AcceptedConnection(adopting: pairs[2].adoptable)))
            for pair in pairs[1...] {
                try #require(
                    loop.poll {
                        pair.peer.read()
                        return pair.peer.isAtEnd
                    })
            }
        }
    }

    @Test func `delivers what a peer sent that is gone by then`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let (adoptable, peer) = try pair()
            peer.writeAll(frame("last words"))
            peer.close()
            server.adopt(try AcceptedConnection(adopting: adoptable))
            try #require(loop.run { recorder.reasons == [.closedByPeer] })
            #expect(recorder.texts == ["last words"])
        }
    }

    @Test func `is not harmed by descriptors that lie in it`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let (adoptable, peer) = try pair()
            try #require(peer.write(frame("with one"), passing: [0]) > 0)
            server.adopt(try AcceptedConnection(adopting: adoptable))
            try #require(loop.run { recorder.reasons == [.descriptorsReceived] })
            #expect(recorder.texts == ["with one"])
        }
    }
}

@Suite struct `A connection to adopt` {
    @Test func `is closed if no server takes it`() throws {
        try withLoop { loop in
            let (adoptable, peer) = try pair()
            do { _ = try AcceptedConnection(adopting: adoptable) }
            // On the thread that closes sockets in which descriptors may lie.
            try #require(
                loop.poll {
                    peer.read()
                    return peer.isAtEnd
                })
        }
    }

    @Test func `neither blocks nor is inherited`() throws {
        let (adoptable, peer) = try pair()
        #expect(fcntl(adoptable, F_SETFL, 0) == 0 && fcntl(adoptable, F_SETFD, 0) == 0)
        let connection = try AcceptedConnection(adopting: adoptable)
        #expect(fcntl(adoptable, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(adoptable, F_GETFD) & FD_CLOEXEC != 0)
        #expect(connection.peer.processID == getpid())
        withExtendedLifetime(peer) {}
    }

    /// Descriptors that are no end of a Unix stream connection, and what is wrong with them.
    enum Unusable: CaseIterable {
        case closed, file, unconnected, listening, datagram, tcp

        func make() throws -> Int32 {
            switch self {
            case .closed: return 1_000_000
            case .file: return unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
            case .unconnected: return socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            case .listening:
                let listener = try RawListener(at: .unique())
                return try withExtendedLifetime(listener) { try duplicate(listener.descriptor) }
            case .datagram:
                var ends: [Int32] = [-1, -1]
                #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &ends) == 0)
                close(ends[1])
                return ends[0]
            case .tcp: return socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            }
        }

        func problem(of number: Int32) -> UnusableConnection {
            switch self {
            case .closed: .notOpen(descriptor: number)
            case .file, .datagram, .tcp: .notALocalStream(descriptor: number)
            case .unconnected, .listening: .notConnected(descriptor: number)
            }
        }
    }

    @Test(arguments: Unusable.allCases)
    func `is refused, and left as it was, if it is something else`(kind: Unusable) throws {
        let number = try kind.make()
        let flags = fcntl(number, F_GETFL)
        #expect(throws: PipeError.unusableConnection(kind.problem(of: number))) {
            _ = try AcceptedConnection(adopting: number)
        }
        #expect("\(PipeError.unusableConnection(kind.problem(of: number)))".contains("descriptor \(number) is not "))
        guard kind != .closed else { return }
        #expect(fcntl(number, F_GETFL) == flags)
        close(number)
    }
}

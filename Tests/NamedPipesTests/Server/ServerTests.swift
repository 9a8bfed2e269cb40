// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `A server` {
    @Test func `refuses the clients that the delegate rejects, unread`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            recorder.whenAsked = { _, _ in recorder.peers.count != 2 }
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            peers.forEach { $0.writeAll(frame("hello")) }
            try #require(loop.run { recorder.messageCount == 2 && recorder.peers.count == 3 })
            #expect(recorder.openCount == 2)
            #expect(server.connectionCount == 2)
            peers[1].readAll()
            #expect(peers[1].readErrors == [ECONNRESET])
        }
    }

    @Test func `knows its connections, by name as well, until they have ended`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let (other, _) = try loop.server(at: .unique(prefix: "other"))
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 3 })
            #expect(server.connectionCount == 3)
            #expect(Set(server.connections.map(\.id)) == Set(recorder.connections.map(\.id)))
            let id = recorder.connections[1].id
            #expect(server[id] === recorder.connections[1])
            #expect(other[id] == nil)
            #expect(other.connections.isEmpty && other.connectionCount == 0)
            var foundInside: PipeConnection?
            recorder.whenClosed = { connection, _ in foundInside = server[connection.id] }
            peers[1].close()
            try #require(loop.run { recorder.reasons.count == 1 })
            #expect(foundInside?.id == id)
            #expect(server[id] == nil)
            #expect(server.connectionCount == 2 && server.connections.count == 2)
            // The slot is used again, but not the name.
            let later = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 4 })
            #expect(server[id] == nil)
            #expect(recorder.connections.allSatisfy { $0.id != id })
            withExtendedLifetime((peers, later)) {}
        }
    }

    @Test func `48 passes nothing of an ended connection to the one that has its number`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            var ids: Set<PipeConnection.ID> = []
            for round in 0..<500 {
                let peer = try RawPeer(connectingTo: loop.address)
                peer.writeAll(frame("\(round)"))
                if round % 2 == 0 { peer.close() }
                try #require(loop.run { recorder.messageCount == round + 1 })
                #expect(recorder.texts.last == "\(round)")
                peer.close()
                try #require(loop.run { recorder.reasons.count == round + 1 })
            }
            ids = Set(recorder.messagesByConnection.keys)
            #expect(ids.count == 500)
            #expect(server.connectionCount == 0)
        }
    }

    @Test func `broadcasts to all, or to those that a filter selects, and reports which refused`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            var peers: [RawPeer] = []
            for count in 1...4 {
                peers.append(try RawPeer(connectingTo: loop.address))
                try #require(loop.run { recorder.openCount == count })
            }
            let connections = recorder.connections
            connections[1].close()
            let outcome = try server.broadcast("all") { $0 !== connections[2] }
            #expect(outcome.acceptedCount == 2)
            #expect(outcome.refusals == [connections[1].id: .notConnected(.finished)])
            loop.settle()
            peers.forEach { $0.readAll() }
            #expect(peers.map(\.texts) == [["all"], [], [], ["all"]])
            #expect(try server.broadcast([1, 2, 3]).acceptedCount == 3)
            let tooLarge = [UInt8](repeating: 0, count: (16 << 20) + 1)
            #expect(throws: PipeError.messageTooLarge(byteCount: tooLarge.count, limit: 16 << 20)) {
                try server.broadcast(tooLarge)
            }
        }
    }

    @Test func `39 broadcasts past one that does not read`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.sendQueueLimit = 100_000
            let (server, recorder) = try loop.server(configuration)
            let slow = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 1 })
            let slowID = recorder.connections[0].id
            let good = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 2 })
            var refusals = 0
            for _ in 0..<100 {
                let outcome = try server.broadcast(pattern(10_000))
                #expect(outcome.refusals[slowID].map { $0 == .sendQueueFull(limit: 100_000) } ?? true)
                #expect(outcome.acceptedCount + outcome.refusals.count == 2)
                refusals += outcome.refusals.count
                loop.settle()
                good.readAll()
            }
            #expect(refusals > 10)
            #expect(good.frames.count == 100)
            let pending = try #require(server[slowID]).pendingByteCount
            #expect(pending <= 100_000 && pending > 80_000)
            withExtendedLifetime(slow) {}
        }
    }

    @Test func `has no name when it could not start, and takes a name that it gave up`() throws {
        try withLoop { loop in
            let (first, recorder) = try loop.server()
            #expect(throws: PipeError.addressInUse(loop.address, holder: getpid())) {
                _ = try loop.server()
            }
            let peer = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount >= 1 })
            first.stop()
            let (_, second) = try loop.server()
            let next = try RawPeer(connectingTo: loop.address)
            next.writeAll(frame("to the second"))
            try #require(loop.run { second.texts == ["to the second"] && recorder.stopCount == 1 })
            withExtendedLifetime(peer) {}
        }
    }
}

@Suite struct `Stopping a server` {
    @Test func `ends every connection, then the server, once`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 3 })
            for connection in recorder.connections { try connection.send("dropped") }
            let connections = recorder.connections
            server.stop()
            #expect(!server.isListening)
            #expect(recorder.reasons.isEmpty)
            try #require(loop.run { recorder.stopCount == 1 })
            server.stop()
            server.stop(gracePeriod: .seconds(1))
            loop.settle()
            #expect(recorder.reasons == Array(repeating: .serverStopped, count: 3))
            #expect(recorder.log.suffix(4) == [.didClose, .didClose, .didClose, .serverDidStop])
            #expect(connections.map(\.unsentMessageCount) == [1, 1, 1])
            #expect(connections.allSatisfy { !$0.isOpen })
            #expect(throws: SystemError(call: "connect", code: ENOENT)) {
                _ = try RawPeer(connectingTo: loop.address)
            }
            peers.forEach { $0.readAll() }
            #expect(peers.allSatisfy { $0.isAtEnd && $0.received.isEmpty })
        }
    }

    @Test func `without connections is reported too`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            server.stop(gracePeriod: .seconds(60))
            try #require(loop.run { recorder.stopCount == 1 })
        }
    }

    @Test func `59 gracefully delivers what has arrived and sends its queues`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 3 })
            recorder.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            for peer in peers { peer.writeAll((0..<100).flatMap { frame("\($0)") }) }
            server.stop(gracePeriod: .seconds(60))
            #expect(!server.isListening)
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(recorder.messageCount == 300)
            #expect(recorder.reasons == Array(repeating: .serverStopped, count: 3))
            #expect(recorder.unsentMessageCount == 0)
            for peer in peers {
                peer.readAll()
                #expect(peer.texts == (0..<100).map { "\($0)" })
                #expect(peer.isAtEnd)
            }
        }
    }

    @Test func `59 gracefully also ends a connection that has half-closed and waits for an answer`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenFinished = { _ in }
            raw.peer.finishWriting()
            try #require(loop.run { raw.recorder.finishCount == 1 })
            try raw.accepted.send("answer")
            raw.server.stop(gracePeriod: .seconds(60))
            try #require(loop.run { raw.recorder.stopCount == 1 })
            raw.peer.readAll()
            #expect(raw.peer.texts == ["answer"])
        }
    }

    @Test func `59 gracefully is over when the grace is`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            while try connection.send(pattern(100_000)) == .accepted {}
            let start = ContinuousClock.now
            raw.server.stop(gracePeriod: .milliseconds(50))
            try #require(loop.run { raw.recorder.stopCount == 1 })
            #expect(ContinuousClock.now - start >= .milliseconds(50))
            #expect(raw.recorder.reasons == [.serverStopped])
            #expect(connection.unsentMessageCount > 5)
        }
    }

    @Test func `gracefully and then at once does not wait`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            while try raw.accepted.send(pattern(100_000)) == .accepted {}
            raw.server.stop(gracePeriod: .seconds(1000))
            loop.settle()
            #expect(raw.recorder.stopCount == 0)
            raw.server.stop()
            try #require(loop.run { raw.recorder.stopCount == 1 })
        }
    }

    @Test func `60 resets clients that were not accepted yet`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let waiting = try RawPeer(connectingTo: loop.address)
            waiting.writeAll(frame("hello?"))
            server.stop(gracePeriod: .seconds(1))
            try #require(loop.run { recorder.stopCount == 1 })
            waiting.readAll()
            #expect(waiting.readErrors == [ECONNRESET])
            #expect(recorder.openCount == 0)
        }
    }

    @Test func `59 while a thousand clients send loses nothing that was accepted`() async {
        await #expect(processExitsWith: .success) { try stopWhileAThousandSend() }
    }

    @Test func `by stopping the reactor ends everything before run returns`() throws {
        let loop = try Loop()
        let pair = try Pair(loop)
        try pair.client.send("under way")
        loop.reactor.stop()
        loop.reactor.run()
        #expect(pair.atServer.stopCount == 1)
        #expect(pair.atServer.reasons.count == 1 && pair.atClient.reasons.count == 1)
        #expect(pair.atClient.states.last == .disconnected)
        #expect(loop.end() == [])
    }
}

private func stopWhileAThousandSend() throws {
    try withLoop { loop in
        var configuration = PipeServer.Configuration()
        configuration.backlog = 2000
        let (server, recorder) = try loop.server(configuration)
        recorder.keepsMessages = false
        let atClients = loop.recorder()
        atClients.keepsMessages = false
        var clients: [PipeClient] = []
        for _ in 0..<1000 { clients.append(loop.client(patientConfiguration, atClients).0) }
        try #require(loop.run { atClients.openCount == 1000 && recorder.openCount == 1000 })
        var accepted = 0
        for _ in 0..<20 {
            for client in clients where (try? client.send(pattern(500))) != nil { accepted += 1 }
        }
        #expect(accepted == 20_000)
        recorder.whenReceived = { _, _ in
            if recorder.messageCount == 5000 { server.stop(gracePeriod: .seconds(60)) }
        }
        try #require(loop.run { recorder.stopCount == 1 && atClients.reasons.count == 1000 })
        // Here, written means read: every client wrote its burst at once, before the server stopped reading it.
        #expect(recorder.messageCount + atClients.unsentMessageCount == accepted)
        #expect(recorder.messageCount > 5000)
    }
}

@Suite struct `Many clients` {
    @Test func `5,000 at once are served, and leave nothing behind`() async {
        await #expect(processExitsWith: .success) { try serveFiveThousand() }
    }
}

/// On a busy machine, the default of five seconds may pass before all of them are accepted.
private var patientConfiguration: PipeClient.Configuration {
    var configuration = PipeClient.Configuration()
    configuration.connectTimeout = Loop.patience
    return configuration
}

private func serveFiveThousand() throws {
    let before = openDescriptors().count
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        recorder.keepsMessages = false
        recorder.whenReceived = { connection, _ in _ = try? connection.send("answer") }
        let atClients = loop.recorder()
        atClients.keepsMessages = false
        atClients.whenOpened = { _ = try? $0.send("question") }
        let clients = (0..<5000).map { _ in loop.client(patientConfiguration, atClients).0 }
        try #require(loop.run { atClients.messageCount == 5000 })
        #expect(server.connectionCount == 5000)
        #expect(openDescriptors().count >= before + 10_000)
        for client in clients { try client.send("again") }
        try #require(loop.run { atClients.messageCount == 10_000 })
        server.stop()
        try #require(loop.run { recorder.stopCount == 1 && atClients.reasons.count == 5000 })
        #expect(recorder.reasons.count == 5000)
        clients.forEach { $0.disconnect() }
    }
    #expect(openDescriptors().count <= before + 3)
}

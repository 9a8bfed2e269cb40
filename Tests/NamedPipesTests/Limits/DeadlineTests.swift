// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

private func configured(_ change: (inout PipeConnection.Configuration) -> Void) -> PipeServer.Configuration {
    var configuration = PipeServer.Configuration()
    change(&configuration.connection)
    return configuration
}

extension Loop {
    /// Does something every few milliseconds until the condition holds.
    fileprivate func every(_ milliseconds: Int, _ work: @escaping () -> Void, until condition: () -> Bool) -> Bool {
        let timer = reactor.schedule(after: .zero, repeating: .milliseconds(milliseconds), work)
        defer { timer.cancel() }
        return run(condition)
    }
}

@Suite struct `A frame that does not come to its end` {
    // Without a watcher, a server looks after its name on a timer of the loop.
    private let instances = InotifyInstances()

    private static let deadline = Duration.milliseconds(200)
    private static let configuration = configured { $0.frameDeadline = deadline }

    /// The bytes that a loris sends at once, before it goes on byte by byte: a part of a header, a header, a body with
    /// memory of its own.
    private static let beginnings: [[UInt8]] = [[0], [0, 0, 1, 0], [0, 1, 0, 0] + pattern(40_000)]

    @Test(arguments: beginnings.indices) func `33 · slow loris: ends its connection at the deadline, and no other`(
        index: Int
    ) throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server(Self.configuration)
            recorder.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            let loris = try RawPeer(connectingTo: loop.address)
            let polite = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 2 })
            loris.writeAll(Self.beginnings[index])
            let start = SuspendingClock.now
            var asked = 0
            let isOver = loop.every(10) {
                loris.write([1])
                polite.writeAll(frame("question"))
                asked += 1
            } until: {
                !recorder.reasons.isEmpty
            }
            try #require(isOver)
            #expect(SuspendingClock.now - start >= Self.deadline)
            #expect(recorder.reasons == [.frameTimeout])
            #expect(server.statistics.closedCounts == [.frameTimeout: 1])
            #expect(server.statistics.heldByteCount == 0)
            try #require(loop.run { recorder.messageCount == asked })
            loop.settle()
            polite.readAll()
            #expect(polite.frames.count == asked && asked > 5)
        }
    }

    @Test func `33 · counts for each frame anew: a client that is always in the middle of one is not late`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration)
            // The end of one frame and the beginning of the next, repeatedly.
            raw.peer.writeAll([0, 0, 0, 2])
            let start = SuspendingClock.now
            let goesOn = loop.every(20) {
                raw.peer.writeAll([1, 2, 0, 0, 0, 2])
            } until: {
                SuspendingClock.now - start > Self.deadline * 3
            }
            #expect(goesOn)
            #expect(raw.recorder.reasons.isEmpty && raw.recorder.messageCount > 3)
        }
    }

    @Test func `33 · does not count while nothing is received, and counts again afterwards`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration)
            raw.peer.writeAll([0, 0])
            loop.settle()
            try raw.accepted.pauseReceiving()
            loop.run(for: Self.deadline * 2)
            #expect(raw.recorder.reasons.isEmpty)
            try raw.accepted.resumeReceiving()
            let start = SuspendingClock.now
            try #require(loop.run { raw.recorder.reasons == [.frameTimeout] })
            #expect(SuspendingClock.now - start >= Self.deadline)
        }
    }

    @Test func `33 · is watched only while there is one: an idle server is not woken up`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, configured { $0.frameDeadline = .milliseconds(80) })
            raw.peer.writeAll([0, 0, 0])
            loop.settle()
            raw.peer.writeAll([1, 7])
            try #require(loop.run { raw.recorder.messageCount == 1 })
            // One look that finds nothing, 10 ms later at the earliest.
            loop.run(for: .milliseconds(50))
            #expect(loop.turnCount(in: .milliseconds(400)) < 10)
            #expect(raw.recorder.reasons.isEmpty)
        }
    }
}

@Suite struct `A queue that the peer does not read` {
    @Test func `38 · ends the connection at the stall deadline, typed, with its messages counted`() throws {
        try withLoop { loop in
            let deadline = Duration.milliseconds(200)
            let configuration = configured {
                $0.writeStallDeadline = deadline
                $0.sendQueueLimit = 500_000
            }
            let raw = try RawClient(loop, configuration)
            let polite = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { raw.recorder.openCount == 2 })
            let slow = try #require(raw.recorder.connections.first)
            try slow.fillKernel(loop)
            var accepted = 0
            let start = SuspendingClock.now
            let isOver = loop.every(5) {
                if (try? slow.send(letters(4000))) != nil { accepted += 1 }
                polite.writeAll(frame("polite"))
            } until: {
                !raw.recorder.reasons.isEmpty
            }
            try #require(isOver)
            #expect(SuspendingClock.now - start >= deadline)
            #expect(raw.recorder.reasons == [.writeStalled])
            #expect(raw.recorder.unsentMessageCount >= accepted)
            #expect(raw.recorder.messageCount > 5)
            #expect(raw.server.statistics.queuedByteCount == 0)
            withExtendedLifetime(raw.peer) {}
        }
    }

    @Test func `38 · is not stalled while the peer reads, however slowly the queue shrinks`() throws {
        try withLoop { loop in
            let deadline = Duration.milliseconds(400)
            let raw = try RawClient(loop, configured { $0.writeStallDeadline = deadline })
            let connection = try raw.accepted
            for _ in 0..<1500 { try connection.send(letters(4000)) }
            let start = SuspendingClock.now
            let goesOn = loop.every(10) {
                raw.peer.read(atMost: 30_000)
            } until: {
                SuspendingClock.now - start > deadline * 3 || connection.pendingByteCount == 0
            }
            #expect(goesOn)
            #expect(raw.recorder.reasons.isEmpty)
        }
    }

    @Test func `45 · at both ends at once is no deadlock: it ends within the stall deadline, typed`() throws {
        try withLoop { loop in
            let deadline = Duration.milliseconds(300)
            let server = configured {
                $0.writeStallDeadline = deadline
                $0.highWaterMark = 100_000
                $0.lowWaterMark = 50_000
            }
            var client = PipeClient.Configuration()
            client.connection = server.connection
            let pair = try Pair(loop, server: server, client: client)
            // Each waits for the other to read, because its queue is above its own mark.
            let ends = [try pair.accepted, try pair.connection]
            for end in ends {
                while end.pendingByteCount < 1_000_000 { try end.send(letters(10_000)) }
            }
            loop.settle()
            #expect(ends.allSatisfy { $0.pendingByteCount > 100_000 })
            let start = SuspendingClock.now
            try #require(loop.run { pair.atServer.isEverythingClosed && pair.atClient.isEverythingClosed })
            #expect(SuspendingClock.now - start >= deadline / 2)
            let reasons = pair.atServer.reasons + pair.atClient.reasons
            #expect(reasons.contains(.writeStalled))
            // The second connection has what the first left behind.
            #expect(reasons.allSatisfy { [.writeStalled, .resetByPeer, .closedByPeer].contains($0) })
        }
    }
}

@Suite struct `The limits of a connection's life` {
    @Test func `33 · idle: ends a connection that neither sends nor takes anything, and no other`() throws {
        try withLoop { loop in
            let limit = Duration.milliseconds(200)
            let (_, recorder) = try loop.server(configured { $0.idleLimit = limit })
            let quiet = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 1 })
            let talking = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 2 })
            let listening = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 3 })
            let quietID = recorder.connections[0].id
            let listener = recorder.connections[2]
            let start = SuspendingClock.now
            let goesOn = loop.every(20) {
                talking.writeAll(frame("here"))
                _ = try? listener.send("news")
                listening.readAll()
            } until: {
                SuspendingClock.now - start > limit * 3
            }
            #expect(goesOn)
            #expect(recorder.reasonsByConnection == [quietID: .idle])
            quiet.readAll()
            #expect(quiet.isAtEnd)
        }
    }

    @Test func `33 · idle: is never early`() throws {
        try withLoop { loop in
            let limit = Duration.milliseconds(150)
            let (_, recorder) = try loop.server(configured { $0.idleLimit = limit })
            let start = SuspendingClock.now
            let peer = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.reasons == [.idle] })
            #expect(SuspendingClock.now - start >= limit)
            withExtendedLifetime(peer) {}
        }
    }

    @Test func `33 · age: ends a connection that has lasted long enough, with everything sent`() throws {
        try withLoop { loop in
            let limit = Duration.milliseconds(200)
            let (_, recorder) = try loop.server(configured { $0.ageLimit = limit })
            recorder.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            let start = SuspendingClock.now
            let peer = try RawPeer(connectingTo: loop.address)
            let isOver = loop.every(10) {
                peer.write(frame("busy"))
                peer.readAll()
            } until: {
                !recorder.reasons.isEmpty
            }
            try #require(isOver)
            #expect(SuspendingClock.now - start >= limit)
            #expect(recorder.reasons == [.ageLimit])
            peer.readAll()
            #expect(peer.frames.count == recorder.messageCount && recorder.messageCount > 5)
        }
    }
}

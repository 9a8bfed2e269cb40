// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `Where a budget is used up` {
    @Test func `72 · the largest holder is ended, unless those that ask want about as much`() {
        var shortage = Shortage<String>(demand: 1000)
        #expect(shortage.leaver == nil)
        shortage.consider("small", 100, isWaiting: false)
        shortage.consider("asks", 400, isWaiting: true)
        #expect(shortage.leaver == "asks")
        shortage.consider("medium", 2000, isWaiting: false)
        #expect(shortage.leaver == "asks")
        shortage.consider("large", 3000, isWaiting: false)
        shortage.consider("less", 2500, isWaiting: true)
        #expect(shortage.leaver == "large")
        var nobodyWaits = Shortage<String>(demand: 5000)
        nobodyWaits.consider("large", 8000, isWaiting: false)
        #expect(nobodyWaits.leaver == nil)
    }

    private static let budget = 8 << 20

    private static func configuration(perUser: Bool = false) -> PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        configuration.byteBudget = perUser ? nil : budget
        configuration.byteBudgetPerUser = perUser ? budget : nil
        return configuration
    }

    /// Answers each message with its size.
    private func server(_ loop: Loop, perUser: Bool = false) throws -> (PipeServer, Recorder) {
        let (server, recorder) = try loop.server(Self.configuration(perUser: perUser))
        recorder.keepsMessages = false
        recorder.whenLent = { connection, message in _ = try? connection.send("\(message.count)") }
        return (server, recorder)
    }

    /// A client that is served in two pieces, and has not been ended by then.
    private func isServed(_ byteCount: Int, _ peer: RawPeer, _ loop: Loop) -> Bool {
        let before = peer.frames.count
        let bytes = frame(letters(byteCount))
        peer.writeAll(Array(bytes[..<1000]))
        loop.settle()
        var rest = bytes[1000...]
        return loop.poll {
            if !rest.isEmpty { rest = rest.dropFirst(max(0, peer.write(rest))) }
            peer.readAll()
            return peer.frames.count > before && peer.frames.last == Array("\(byteCount)".utf8)
        }
    }

    @Test(arguments: [false, true])
    func `72 · by unfinished messages: bystanders are served, and hoarders are ended, typed`(
        perUser: Bool
    ) throws {
        try withLoop { loop in
            let (server, recorder) = try server(loop, perUser: perUser)
            let bystander = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 1 })
            let id = try #require(recorder.connections.first).id
            var hoarders: [(peer: RawPeer, rest: ArraySlice<UInt8>)] = []
            let unfinished = frame(pattern(1 << 20)).dropLast()
            for _ in 0..<15 { hoarders.append((try RawPeer(connectingTo: loop.address), unfinished)) }
            func hoard() {
                for index in hoarders.indices where !hoarders[index].rest.isEmpty {
                    let written = hoarders[index].peer.write(hoarders[index].rest)
                    hoarders[index].rest = hoarders[index].rest.dropFirst(max(0, written))
                }
            }
            // Until there is no room for what they request.
            try #require(
                loop.poll {
                    hoard()
                    return recorder.connections.contains { $0.isStarved }
                })
            for byteCount in [2000, 3000, 20_000, 100_000, 2000] {
                #expect(isServed(byteCount, bystander, loop))
                hoard()
                #expect(server.endpoint.accountsProblem == nil)
            }
            try #require(loop.run { !recorder.reasons.isEmpty })
            let user = try #require(recorder.peers.first).userID
            let exceeded = ExceededBudget(scope: perUser ? .user(user) : .server, limit: Self.budget)
            #expect(!recorder.reasons.isEmpty && recorder.reasons.allSatisfy { $0 == .budgetExceeded(exceeded) })
            #expect(recorder.connections.contains { $0.id == id })
            #expect(server.budgetExceededCountsByUser == [user: recorder.reasons.count])
        }
    }

    @Test(arguments: [false, true])
    func `72 · by a connection that ends, the one that waits goes on, whoever else would have to leave`(
        perUser: Bool
    ) throws {
        try withLoop(in: VirtualTime()) { loop in
            var configuration = Self.configuration(perUser: perUser)
            configuration.connection.frameDeadline = nil
            let (_, recorder) = try loop.server(configuration)
            recorder.keepsMessages = false
            let peers = try (0..<2).map { _ in try RawPeer(connectingTo: loop.address) }
            loop.reactor.settle()
            let connections = recorder.connections
            try #require(connections.count == 2)
            func write(_ bytes: ArraySlice<UInt8>, to peer: RawPeer, while isGoingOn: () -> Bool) -> ArraySlice<UInt8> {
                var rest = bytes
                while !rest.isEmpty, isGoingOn() {
                    let written = peer.write(rest.prefix(100_000))
                    rest = rest.dropFirst(max(0, written))
                    loop.reactor.settle()
                    if written <= 0 { break }
                }
                return rest
            }
            #expect(write(frame(pattern(6 << 20)).dropLast(), to: peers[0]) { true }.isEmpty)
            var rest = frame(pattern(3 << 20))[...]
            rest = write(rest, to: peers[1]) { !connections[1].isStarved }
            try #require(connections[1].isStarved && recorder.reasons.isEmpty)
            peers[0].close()
            loop.reactor.settle()
            try #require(recorder.reasons.count == 1)
            loop.reactor.advance(by: Endpoint.shortageInterval)
            loop.reactor.settle()
            #expect(write(rest, to: peers[1]) { true }.isEmpty)
            #expect(recorder.messageCount == 1 && recorder.reasons.count == 1)
        }
    }

    @Test func `72 · by queues without readers: bystanders are served, and get their long answers`() throws {
        try withLoop { loop in
            let (server, recorder) = try server(loop)
            let bystander = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 1 })
            let id = try #require(recorder.connections.first).id
            let hoarders = try (0..<8).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 9 })
            var isFull = false
            while !isFull {
                for connection in recorder.connections where connection.id != id {
                    do { try connection.send(letters(100_000)) } catch { isFull = true }
                }
                loop.settle()
            }
            // Before any connection has been ended, small messages get through.
            #expect(isServed(2000, bystander, loop))
            #expect(isServed(20_000, bystander, loop) && isServed(100_000, bystander, loop))
            // So do answers that fit into the socket.
            try #require(server[id]).send(letters(100_000, seed: 2))
            #expect(recorder.reasons.isEmpty)
            // And larger ones, once one connection has been ended.
            let answer = letters(300_000, seed: 1)
            var isAccepted = false
            try #require(
                loop.poll {
                    if !isAccepted, let connection = server[id] { isAccepted = (try? connection.send(answer)) != nil }
                    bystander.readAll()
                    return bystander.frames.last == answer
                })
            let exceeded = ExceededBudget(scope: .server, limit: Self.budget)
            #expect(!recorder.reasons.isEmpty && recorder.reasons.allSatisfy { $0 == .budgetExceeded(exceeded) })
            #expect(server[id] != nil && server.endpoint.accountsProblem == nil)
            withExtendedLifetime(hoarders) {}
        }
    }

    @Test func `72 · or is zero: each connection has 4 KiB`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.byteBudget = 0
            let raw = try RawClient(loop, configuration)
            raw.recorder.whenReceived = { connection, message in _ = try? connection.send("\(message.count)") }
            for byteCount in [1001, 2000, 3000, 4092] { #expect(isServed(byteCount, raw.peer, loop)) }
            #expect(raw.server.endpoint.ledger.byteCount == 0)
            // Larger messages only if they arrive as a whole at once, or not at all.
            raw.peer.writeAll(frame(letters(10_000)).dropLast(1))
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.budgetExceeded(ExceededBudget(scope: .server, limit: 0))])
        }
    }

    @Test func `72 · by one connection's share, that one ends, typed`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration(framing: DelimiterFraming.newline)
            configuration.byteBudgetPerConnection = 300_000
            let raw = try RawClient(loop, configuration)
            let block = letters(50_000)
            var most = 0
            try #require(
                loop.poll {
                    raw.peer.write(block)
                    most = max(most, raw.server.statistics.heldByteCount)
                    return raw.recorder.isEverythingClosed
                })
            #expect(raw.recorder.reasons == [.budgetExceeded(ExceededBudget(scope: .connection, limit: 300_000))])
            #expect(most <= 300_000 && most > 150_000)
        }
    }

    @Test func `72 · by one connection's share, spare memory that is larger is not used`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.byteBudgetPerConnection = 100_000
            let raw = try RawClient(loop, configuration)
            var spare = FrameBuffer()
            spare.reserveCapacity(128 << 10)
            try raw.accepted.endpoint.buffers.pool.recycle(spare)
            let message = frame(letters(90_000))
            raw.peer.writeAll(message[..<66_000])
            try #require(loop.run { raw.server.statistics.heldByteCount > 0 })
            #expect(raw.server.statistics.heldByteCount <= 100_000)
            raw.peer.writeAll(message[66_000...])
            try #require(loop.run { raw.recorder.messageCount == 1 })
            #expect(raw.recorder.reasons.isEmpty)
        }
    }

    @Test func `72 · a connection's default share is a sixteenth, or the largest message`() {
        var configuration = PipeServer.Configuration()
        #expect(configuration.effectiveByteBudgetPerConnection == 64 << 20)
        configuration.byteBudget = 64 << 20
        #expect(configuration.effectiveByteBudgetPerConnection == 18 << 20)
        configuration.byteBudgetPerConnection = 5
        #expect(configuration.effectiveByteBudgetPerConnection == 5)
        configuration = PipeServer.Configuration()
        configuration.byteBudget = nil
        #expect(configuration.effectiveByteBudgetPerConnection == nil)
    }
}

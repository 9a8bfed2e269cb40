// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A budget of bytes` {
    private static func configuration(
        _ framing: any MessageFraming = LengthPrefixFraming(), all: Int? = nil, perUser: Int? = nil, held: Int? = nil,
        limit: Int = 32 << 20
    ) -> PipeServer.Configuration {
        var configuration = PipeServer.Configuration(framing: framing)
        configuration.byteBudget = all
        configuration.byteBudgetPerUser = perUser
        configuration.connection.heldByteLimit = held
        configuration.connection.sendQueueLimit = limit
        return configuration
    }

    /// The frame of 1 MiB without its last byte.
    private static let unfinished = frame(pattern((1 << 20) - 1)).dropLast()

    private func write(_ bytes: some Collection<UInt8>, to peer: RawPeer, _ loop: Loop, until isOver: () -> Bool)
        -> Bool
    {
        var rest = Array(bytes)[...]
        return loop.poll {
            if !rest.isEmpty { rest = rest.dropFirst(max(0, peer.write(rest))) }
            return rest.isEmpty || isOver()
        }
    }

    @Test(arguments: [true, false])
    func `32 · for held bytes: a connection that needs more than there is ends, and the others go on`(
        isPerUser: Bool
    ) throws {
        try withLoop { loop in
            let budget = 3 << 20
            let (server, recorder) = try loop.server(
                Self.configuration(all: isPerUser ? nil : budget, perUser: isPerUser ? budget : nil))
            recorder.keepsMessages = false
            var peers: [RawPeer] = []
            for count in 1...5 {
                peers.append(try RawPeer(connectingTo: loop.address))
                try #require(loop.run { recorder.openCount == count })
                let ended = recorder.reasons.count
                try #require(
                    write(Self.unfinished, to: peers[count - 1], loop) { recorder.reasons.count > ended })
                loop.settle()
                let statistics = server.statistics
                #expect(statistics.heldByteCount <= budget)
                #expect(
                    statistics.heldByteCount
                        == recorder.connections.reduce(0) { $0 + ($1.reassembly?.charge.byteCount ?? 0) })
            }
            let user = try #require(recorder.peers.first).userID
            let exceeded = ExceededBudget(scope: isPerUser ? .user(user) : .server, limit: budget)
            #expect(!recorder.reasons.isEmpty && recorder.reasons.allSatisfy { $0 == .budgetExceeded(exceeded) })
            #expect(server.statistics.closedCounts == [.budgetExceeded: recorder.reasons.count])
            #expect(server.budgetExceededCountsByUser == [user: recorder.reasons.count])
            // The connections that were there first are not disturbed.
            #expect(recorder.connections.count >= 1 && recorder.messageCount == 0)
            peers[0].writeAll([0])
            try #require(loop.run { recorder.messageCount == 1 })
        }
    }

    @Test func `31 · of one connection ends it as soon as a frame announces more`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(held: 100_000))
            raw.peer.writeAll(frame(pattern(99_000)))
            try #require(loop.run { raw.recorder.messageCount == 1 })
            raw.peer.writeAll([0, 2, 0, 0, 1])
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.budgetExceeded(ExceededBudget(scope: .connection, limit: 100_000))])
        }
    }

    @Test func `32 · bounds a framing that never comes to an end`() throws {
        struct Endless: MessageFraming {
            var maximumMessageByteCount: Int { 100 }
            func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) -> FrameScan {
                .incomplete(frameByteCount: nil, scannedByteCount: bytes.count)
            }
            func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) {}
        }
        try withLoop { loop in
            let raw = try RawClient(loop, PipeServer.Configuration(framing: Endless()))
            let block = pattern(100_000)
            try #require(
                loop.poll {
                    raw.peer.write(block)
                    return !raw.recorder.reasons.isEmpty
                })
            #expect(
                raw.recorder.reasons == [
                    .budgetExceeded(ExceededBudget(scope: .connection, limit: 100 + (2 << 20)))
                ])
        }
    }

    @Test func `38 · for queues: a message without room is refused, typed, until there is some`() throws {
        try withLoop { loop in
            let budget = 1 << 20
            let raw = try RawClient(loop, Self.configuration(all: budget))
            let connection = try raw.accepted
            var refusal: PipeError?
            var accepted = 0
            while refusal == nil {
                do throws(PipeError) {
                    try connection.send(letters(3000))
                    accepted += 1
                } catch {
                    refusal = error
                }
                #expect(raw.server.statistics.queuedByteCount <= budget)
            }
            #expect(refusal == .budgetExceeded(ExceededBudget(scope: .server, limit: budget)))
            #expect(accepted > 100 && connection.isOpen)
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return connection.pendingByteCount == 0
                })
            #expect(raw.server.statistics.queuedByteCount == 0)
            #expect(raw.server.statistics.queueHighWaterByteCount > budget / 4)
            try connection.send("room again")
            loop.settle()
            raw.peer.readAll()
            #expect(raw.peer.frames.count == accepted + 1)
        }
    }

    @Test func `38 · is not used up by a queue that is empty again at the end of the turn`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(all: 0))
            let connection = try raw.accepted
            for _ in 0..<100 { try connection.send(letters(500)) }
            loop.settle()
            raw.peer.readAll()
            #expect(raw.peer.frames.count == 100)
            #expect(raw.server.statistics.queueHighWaterByteCount == 0)
        }
    }

    @Test func `38 · without room lets 64 KiB wait at each connection, and refuses more, typed`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(all: 0))
            let connection = try raw.accepted
            var (accepted, refusals) = (0, Set<PipeError>())
            while refusals.isEmpty {
                do throws(PipeError) {
                    try connection.send(letters(3000))
                    accepted += 1
                } catch {
                    refusals.insert(error)
                }
                #expect(connection.pendingByteCount <= QueueAdmission.freeByteCount)
            }
            #expect(refusals == [.budgetExceeded(ExceededBudget(scope: .server, limit: 0))])
            #expect(connection.pendingByteCount > 60_000 && raw.server.endpoint.accountsProblem == nil)
            // What the timer does, without waiting for it. No connection exceeds the budget by more than it may.
            raw.server.endpoint.relieve()
            #expect(connection.isOpen)
            try #require(raw.peer.receive(accepted * 3004, loop))
            #expect(raw.peer.frames.count == accepted && raw.recorder.reasons.isEmpty)
            #expect(raw.server.endpoint.ledger.byteCount == 0)
        }
    }

    @Test(arguments: [100, 3000, 60_000])
    func `72 · that others have used up loses no answer to a peer that has many requests in flight`(
        size: Int
    ) throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(all: 0))
            var refusalCount = 0
            raw.recorder.keepsMessages = false
            raw.recorder.whenReceived = { connection, _ in
                // The answer, not the request, is large: that one would not fit into the budget.
                do { try connection.send(letters(size).span) } catch { refusalCount += 1 }
            }
            let count = 400_000 / size
            var requests = (0..<count).flatMap { _ in frame("?") }[...]
            try #require(
                loop.poll {
                    requests = requests.dropFirst(max(0, raw.peer.write(requests.prefix(5000))))
                    raw.server.endpoint.relieve()
                    // Reads less than is written, so that the queue has to wait.
                    _ = raw.peer.read()
                    return raw.peer.received.count >= count * (size + 4)
                })
            #expect(raw.peer.frames.count == count && refusalCount == 0)
            #expect(raw.recorder.reasons.isEmpty && raw.server.endpoint.ledger.byteCount == 0)
        }
    }

    @Test func `58 · that is used up lets a message leave that just fits into the uncharged part`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(all: 0))
            let connection = try raw.accepted
            // With the buffer of its header, it would hold more than 64 KiB.
            let message = letters(QueueAdmission.freeByteCount - 136)
            #expect(try connection.send(message.span) == .accepted)
            try #require(raw.peer.receive(message.count + 4, loop))
            #expect(raw.peer.frames == [message] && raw.recorder.reasons.isEmpty)
        }
    }

    /// The ways in which a message can be sent.
    enum Way: CaseIterable {
        case span, array, kept, descriptors, broadcast

        func send(_ message: [UInt8], on connection: PipeConnection, _ server: PipeServer) throws {
            switch self {
            case .span: try connection.send(message.span)
            case .array: try connection.send(message)
            case .kept: try connection.send(connection.keep(message.span))
            case .descriptors:
                var descriptors = OutgoingDescriptors()
                try descriptors.append(duplicating: 2)
                try connection.send(message.span, descriptors: &descriptors)
            case .broadcast:
                // Behind a message that is queued, so that it is queued as well.
                try connection.send("first")
                let outcome = try server.broadcast(message)
                if let error = outcome.refusals[connection.id] { throw error }
            }
        }
    }

    @Test(arguments: Way.allCases, [PipeConnection.SlowReaderPolicy.refuse, .disconnect, .dropNewest])
    func `72 · that others have used up does not silence a connection whose peer reads`(
        way: Way, policy: PipeConnection.SlowReaderPolicy
    ) throws {
        try withLoop { loop in
            var configuration = Self.configuration(all: 0)
            configuration.connection.slowReaderPolicy = policy
            if way == .descriptors {
                configuration.connection.framing = DescriptorFraming()
                configuration.connection.descriptors = .accepted()
            }
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            let message = letters(200_000)
            for count in 1...3 {
                try way.send(message, on: connection, raw.server)
                #expect(connection.pendingByteCount == 0)
                let least = count * message.count
                try #require(
                    loop.poll {
                        raw.peer.readAll()
                        return raw.peer.received.count >= least
                    })
            }
            #expect(raw.recorder.reasons.isEmpty)
            #expect(raw.server.statistics.queueHighWaterByteCount == 0)
        }
    }

    @Test func `72 · that others have used up refuses the next answer to a peer that has not read the last`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(all: 0))
            let connection = try raw.accepted
            let message = letters(150_000)
            try connection.send(message.span)
            let exceeded = ExceededBudget(scope: .server, limit: 0)
            #expect(throws: PipeError.budgetExceeded(exceeded)) { try connection.send(message.span) }
            #expect(connection.isOpen && raw.peer.receive(message.count + 4, loop))
            try connection.send(message.span)
            try #require(raw.peer.receive(2 * (message.count + 4), loop))
            #expect(raw.peer.frames == [message, message])
        }
    }

    @Test func `58 · that is used up lets a message with a large envelope leave`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(PaddedFraming(), all: 0))
            let connection = try raw.accepted
            try connection.send(letters(60_000).span)
            try #require(raw.peer.receive(65_000, loop))
            #expect(connection.pendingByteCount == 0 && raw.recorder.reasons.isEmpty)
        }
    }

    @Test(arguments: [false, true]) func `38 · has room for a broadcast, or only the connection without room is told`(
        isLarge: Bool
    ) throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(all: 200_000))
            let good = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { raw.recorder.openCount == 2 })
            let slowID = raw.recorder.connections[0].id
            var refusals = 0
            var accepted = 0
            for _ in 0..<60 {
                let outcome = try raw.server.broadcast(letters(isLarge ? 30_000 : 8_000))
                #expect(Set(outcome.refusals.keys).isSubset(of: [slowID]))
                refusals += outcome.refusals.count
                if outcome.refusals.isEmpty { accepted += 1 }
                loop.settle()
                good.readAll()
            }
            #expect(good.frames.count == 60 && refusals > 0)
            try #require(raw.recorder.reasons.isEmpty)
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return raw.recorder.connections[0].pendingByteCount == 0
                })
            raw.peer.readAll()
            #expect(raw.peer.frames.count == accepted)
        }
    }

    @Test func `58 · that is used up by the rest of a broadcast ends a connection whose message was begun`()
        throws
    {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(all: 0))
            let connection = try raw.accepted
            // More than the socket takes.
            _ = try raw.server.broadcast(letters(2 << 20))
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.budgetExceeded(ExceededBudget(scope: .server, limit: 0))])
            #expect(connection.hasPartlySentMessage && connection.unsentMessageCount == 0)
        }
    }

    @Test func `58 · is whole again when everything has ended, wherever it ended`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            recorder.keepsMessages = false
            recorder.whenReceived = { connection, _ in _ = try? connection.send(letters(50_000)) }
            var random = Seeded(58)
            var peers: [RawPeer] = []
            for round in 0..<200 {
                if peers.count < 20 {
                    peers.append(try RawPeer(connectingTo: loop.address))
                    loop.settle()
                }
                let index = Int.random(in: 0..<peers.count, using: &random)
                switch Int.random(in: 0..<8, using: &random) {
                case 0: peers[index].write(frame(letters(.random(in: 0...300_000, using: &random))).dropLast(5))
                case 1: peers[index].write((0..<50).flatMap { frame("\($0)") })
                case 2: peers[index].read()
                case 3: peers[index].write([0xFF, 0, 0])
                case 4 where round % 3 == 0: peers.remove(at: index).close()
                case 5: recorder.connections.randomElement(using: &random)?.pauseReceiving()
                case 6: recorder.connections.forEach { $0.resumeReceiving() }
                default: _ = try server.broadcast(letters(.random(in: 0...40_000, using: &random)))
                }
                loop.settle()
                let held = recorder.connections.reduce(0) { $0 + ($1.reassembly?.memory.bytes.capacity ?? 0) }
                let queued = recorder.connections.reduce(0) { $0 + ($1.queue?.value.capacity ?? 0) }
                let statistics = server.statistics
                // Memory that a kept message has left behind may be smaller than its charge was.
                #expect(statistics.heldByteCount >= held)
                #expect(statistics.queuedByteCount >= queued - recorder.connections.count * 64 << 10)
            }
            #expect(server.statistics.queueHighWaterByteCount > 0)
            server.stop()
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(server.endpoint.ledger.byteCount == 0)
            #expect(server.statistics.heldByteCount == 0 && server.statistics.queuedByteCount == 0)
        }
    }
}

@Suite struct `The most memory that clients can make a server take` {
    @Test func `58 · is a number that is known before it starts`() {
        var configuration = PipeServer.Configuration()
        configuration.byteBudget = 100 << 20
        let one = configuration.worstCaseByteCount(connectionCount: 1)
        let thousand = configuration.worstCaseByteCount(connectionCount: 1000)
        #expect(thousand - one == 999 * (71 << 10))
        #expect(one < 160 << 20)
        configuration.maximumConnectionCount = 1000
        #expect(configuration.worstCaseByteCount() == thousand)
        configuration.byteBudget = nil
        configuration.connection.sendQueueLimit = 1 << 20
        // Without a budget in total, the limits of each count, and the overhead of growing memory.
        let each = 2 * ((16 << 20) + (2 << 20) + (1 << 20) + (256 << 10)) + (71 << 10)
        #expect(configuration.worstCaseByteCount() == one - (100 << 20) - (71 << 10) + 1000 * each)
        configuration.connection.sendQueueLimit = .max
        #expect(configuration.worstCaseByteCount() == .max)
    }

    @Test func `58 · gives a quarter to each user where other users are admitted`() {
        var configuration = PipeServer.Configuration()
        #expect(configuration.effectiveByteBudgetPerUser == 1 << 30)
        configuration.accessPolicy = .anyUser
        #expect(configuration.effectiveByteBudgetPerUser == 256 << 20)
        configuration.byteBudgetPerUser = 5
        #expect(configuration.effectiveByteBudgetPerUser == 5)
        configuration.byteBudgetPerUser = nil
        configuration.byteBudget = nil
        #expect(configuration.effectiveByteBudgetPerUser == nil)
    }
}

/// Large envelopes, and nothing is read.
private struct PaddedFraming: MessageFraming {
    let maximumMessageByteCount = 1 << 20

    func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        .incomplete(frameByteCount: nil, scannedByteCount: 0)
    }

    func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        _ = try encodeEnvelope(of: message, into: &output)
        output.append(contentsOf: message)
    }

    func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? {
        // In pieces, so that the buffer has room for more.
        for _ in 0..<5000 { output.append(0) }
        return FrameEnvelope(prefixByteCount: 5000, suffixByteCount: 0)
    }
}

// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

/// The cost of an operation while there is more and more of everything else: in steps, not in time.
@Suite struct `The cost of growth` {
    private static let sizes = [50, 100, 200]

    @Test(arguments: sizes)
    func `74 · is no scan of one server's connections: those of other servers and clients are not visited`(
        others: Int
    ) throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let peers = try (0..<5).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 5 })
            let elsewhere = try PipeAddress.unique(prefix: "others")
            let (_, other) = try loop.server(at: elsewhere)
            let strangers = try (0..<others).map { _ in try RawPeer(connectingTo: elsewhere) }
            try #require(loop.run { other.openCount == others })

            func steps(_ operation: () throws -> Void) rethrows -> Int {
                let before = server.endpoint.connections.stepCount
                try operation()
                return server.endpoint.connections.stepCount - before
            }
            let broadcast = try steps { _ = try server.broadcast("to all five") }
            #expect(broadcast == 5)
            #expect(steps { _ = server.connections } == 5)
            #expect(steps { _ = server.endpoint.lookAfterDeadlines() } <= 10)
            #expect(steps { _ = server.statistics } == 0)
            #expect(steps { server.stop() } <= 15)
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(server.endpoint.connections.count == 0 && other.reasons.isEmpty)
            withExtendedLifetime((peers, strangers)) {}
        }
    }

    @Test func `74 · is no timer: all servers and clients of one interval share it`() throws {
        try withLoop { loop in
            let rounds = loop.reactor.companion(SweepRounds.self) { SweepRounds(loop.reactor) }
            var configuration = PipeClient.Configuration()
            configuration.connection.idleLimit = .seconds(60)
            let (_, recorder) = try loop.server()
            var clients: [PipeClient] = []
            for count in [10, 20, 40] {
                while clients.count < count { clients.append(loop.client(configuration).0) }
                try #require(loop.run { recorder.openCount == count })
                #expect(rounds.count == 1)
            }
            // A server with an interval of its own has a timer of its own, while it needs one.
            configuration.connection.idleLimit = .seconds(2)
            let (client, quick) = loop.client(configuration)
            try #require(loop.run { quick.openCount == 1 })
            #expect(rounds.count == 2)
            client.disconnect()
            try #require(loop.run { quick.isEverythingClosed && rounds.count == 1 })
            for client in clients { client.disconnect() }
            try #require(loop.run { rounds.count == 0 })
        }
    }

    @Test func `74 · is known however connections come and go`() throws {
        let registry = try Reactor().registry
        var list = ConnectionList(of: registry)
        var random = Seeded(74)
        var keys: [UInt64] = []
        for _ in 0..<2000 {
            if keys.isEmpty || Int.random(in: 0..<5, using: &random) > 1 {
                let key = registry.insert(Box(0))
                list.insert(key)
                keys.append(key)
            } else {
                let key = keys.remove(at: Int.random(in: 0..<keys.count, using: &random))
                list.remove(key)
                registry.remove(key)
            }
            #expect(list.count == keys.count)
        }
        for key in keys {
            list.remove(key)
            registry.remove(key)
        }
        #expect(list.count == 0 && registry.count == 0)
    }

    /// A queue of this many large messages, of which the first has been begun.
    private func queue(of count: Int) throws -> SendQueueSlot {
        let slot = SendQueueSlot()
        for _ in 0..<count { try append(to: slot) }
        slot.value.didWrite(100, LengthPrefixFraming())
        return slot
    }

    private func append(to slot: SendQueueSlot) throws {
        let owner = SharedBuffer()
        owner.bytes.append(contentsOf: pattern(1000).span)
        let isTaken = try unsafe owner.bytes.withUnsafeBytes { body throws(FramingError) in
            try unsafe slot.value.append(inPlace: body, owner, capacity: body.count) { output throws(FramingError) in
                try LengthPrefixFraming().encodeEnvelope(of: unsafe Span<UInt8>(_unsafeBytes: body), into: &output)
            }
        }
        #expect(isTaken)
        slot.value.messageCount += 1
    }

    @Test func `74 · is no message dropped or written: as many wait as may`() throws {
        let steps = try [500, 1000, 2000].map { count in
            let slot = try queue(of: count)
            defer { slot.destroy() }
            let before = slot.value.segments.stepCount
            for _ in 0..<100 {
                #expect(slot.value.dropOldest(freeing: 1004, LengthPrefixFraming()) == 1)
                #expect(slot.value.droppableByteCount == (count - 2) * 1004)
                try append(to: slot)
                #expect(slot.value.droppableByteCount == (count - 1) * 1004)
            }
            for _ in 0..<100 { slot.value.didWrite(1004, LengthPrefixFraming()) }
            #expect(slot.value.byteCount == (count - 100) * 1004 - 100)
            return slot.value.segments.stepCount - before
        }
        // For each of 200 it is a few steps, including the moves of the rest; before, it was the whole queue.
        #expect(steps.allSatisfy { $0 < 2000 }, "\(steps)")
    }

    @Test func `74 · is not the rest of a message that was begun: it is moved once, not for each dropped message`()
        throws
    {
        let slot = SendQueueSlot()
        defer { slot.destroy() }
        let framing = LengthPrefixFraming()
        try framing.encode(pattern(50_000).span, into: &slot.value.bytes)
        for _ in 0..<100 { try framing.encode(pattern(10).span, into: &slot.value.bytes) }
        slot.value.messageCount = 101
        slot.value.didWrite(10, framing)
        #expect(slot.value.dropOldest(freeing: 1, framing) == 1)
        #expect(slot.value.segments.count == 1 && slot.value.bytes.byteCount == 99 * 14)
        #expect(slot.value.dropOldest(freeing: 1, framing) == 1)
        #expect(slot.value.byteCount == 49_994 + 98 * 14 && slot.value.unsentMessageCount == 98)
        slot.value.didWrite(49_994 + 14, framing)
        #expect(slot.value.startedByteCount == 0 && slot.value.unsentMessageCount == 97)
    }
}

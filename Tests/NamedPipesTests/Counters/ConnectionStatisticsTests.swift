// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

private func counting() -> PipeServer.Configuration {
    var configuration = PipeServer.Configuration()
    configuration.connection.keepsStatistics = true
    return configuration
}

@Suite struct `The statistics of a connection` {
    @Test func `are there only if they are wanted`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            #expect(try raw.accepted.statistics == nil)
        }
    }

    @Test func `count messages and bytes both ways, and say when`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let (server, recorder) = try loop.server(counting())
            recorder.whenReceived = { connection, message in _ = try? connection.send(message) }
            let peer = try RawPeer(connectingTo: loop.address)
            loop.reactor.settle()
            let connection = try #require(recorder.connections.first)
            let opened = try #require(connection.statistics).openedAt
            #expect(connection.statistics == PipeConnection.Statistics(openedAt: opened))
            loop.reactor.advance(by: .seconds(2))
            peer.writeAll(frame("one") + frame("two") + [0, 0])
            loop.reactor.settle()
            let numbers = try #require(connection.statistics)
            #expect(numbers.receivedMessageCount == 2)
            #expect(numbers.receivedByteCount == 16)
            #expect(numbers.sentMessageCount == 2)
            #expect(numbers.sentByteCount == 14)
            #expect(numbers.heldByteCount == 2)
            #expect(numbers.lastReceivedAt == opened + .seconds(2))
            #expect(numbers.lastSentAt == opened + .seconds(2))
            loop.reactor.advance(by: .seconds(3))
            try server.broadcast("news")
            let later = try #require(connection.statistics)
            #expect(later.sentMessageCount == 3)
            #expect(later.sentByteCount == 22)
            #expect(later.lastSentAt == opened + .seconds(5))
            #expect(later.lastActiveAt == opened + .seconds(5))
            #expect(later.lastReceivedAt == opened + .seconds(2))
        }
    }

    @Test(arguments: 1...6)
    func `add up to the server's, whatever becomes of the messages`(seed: Int) throws {
        try withLoop(in: VirtualTime()) { loop in
            var random = Seeded(UInt64(seed))
            var configuration = counting()
            configuration.connection.slowReaderPolicy = random.pick([.refuse, .dropOldest, .dropNewest, .disconnect])
            configuration.connection.sendQueueLimit = 100_000
            let (server, recorder) = try loop.server(configuration)
            var ended: [PipeConnection.Statistics] = []
            recorder.whenReceived = { connection, message in _ = try? connection.send(message) }
            recorder.whenClosed = { connection, _ in connection.statistics.map { ended.append($0) } }
            var peers = try (0..<4).map { _ in try RawPeer(connectingTo: loop.address) }
            loop.reactor.settle()
            for _ in 0..<80 {
                let message = letters(random.pick([0, 1, 100, 5000, 40_000, 90_000]))
                let connection = server.connections.randomElement(using: &random)
                switch random.number(0...7) {
                case 0...2: _ = try? connection?.send(message)
                case 3: _ = try? server.broadcast(message)
                case 4: _ = peers.randomElement(using: &random)?.write(frame(message))
                case 5: _ = peers.randomElement(using: &random)?.read(atMost: 50_000)
                case 6: peers.randomElement(using: &random)?.readAll()
                default: if peers.count > 2, random.number(0...3) == 0 { peers.removeLast().close() }
                }
                loop.reactor.settle()
                let all = server.connections.compactMap(\.statistics) + ended
                let total = server.statistics
                #expect(all.reduce(0) { $0 + $1.receivedByteCount } == total.receivedByteCount)
                #expect(all.reduce(0) { $0 + $1.receivedMessageCount } == total.receivedMessageCount)
                #expect(all.reduce(0) { $0 + $1.sentByteCount } == total.sentByteCount)
                #expect(all.reduce(0) { $0 + $1.sentMessageCount } == total.sentMessageCount)
                #expect(all.reduce(0) { $0 + $1.queuedMessageCount } == total.queuedMessageCount)
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeFraming
import PipeReactor
import PipeTestSupport
import Testing

/// What does not add up in a server's statistics at this moment.
private func problems(_ server: PipeServer) -> [String] {
    let numbers = server.statistics
    var problems: [String] = []
    if numbers.acceptedCount != numbers.openCount + numbers.closedCount {
        problems.append(
            "\(numbers.acceptedCount) were accepted, \(numbers.openCount) open, \(numbers.closedCount) closed")
    }
    let ends =
        numbers.sentMessageCount + numbers.unsentMessageCount + numbers.partlySentMessageCount
        + numbers.displacedMessageCount
    if numbers.takenMessageCount != numbers.queuedMessageCount + ends {
        problems.append(
            "\(numbers.takenMessageCount) were taken, \(numbers.queuedMessageCount) wait, \(ends) have ended")
    }
    // Messages that wait are counted once more, in the queues.
    let queued = server.connections.reduce(0) { $0 + $1.queuedMessageCount }
    if let problem = server.endpoint.countsProblem(queued: queued) { problems.append(problem) }
    return problems
}

@Suite struct `The counts of a server add up at any moment` {
    /// Peers that read little or nothing, an owner that sends in every way and inside every callback, and ends of every
    /// kind.
    @Test(
        arguments: [PipeConnection.SlowReaderPolicy.refuse, .dropOldest, .dropNewest, .keepLatest, .disconnect], 1...4)
    func `inside callbacks and outside, whatever becomes of a message`(
        policy: PipeConnection.SlowReaderPolicy, seed: Int
    ) throws {
        try withLoop(in: VirtualTime()) { loop in
            var random = Seeded(UInt64(seed))
            var configuration = PipeServer.Configuration()
            configuration.connection.slowReaderPolicy = policy
            configuration.connection.sendQueueLimit = 100_000
            let (server, recorder) = try loop.server(configuration)
            var found: [String] = []
            func look() { found += problems(server) }
            recorder.whenOpened = { _ in look() }
            recorder.whenDrained = { _ in look() }
            recorder.whenSendingFailed = { _, _ in look() }
            recorder.whenClosed = { _, _ in look() }
            recorder.whenReceived = { connection, bytes in
                look()
                _ = try? connection.send(bytes)
                look()
            }
            for _ in 0..<5 {
                var peers = try (0..<4).map { _ in try RawPeer(connectingTo: loop.address) }
                loop.reactor.settle()
                for _ in 0..<60 {
                    let connection = server.connections.randomElement(using: &random)
                    let message = letters(random.pick([0, 1, 100, 5000, 20_000, 40_000, 90_000]))
                    switch random.number(0...13) {
                    case 0...4: _ = try? connection?.send(message)
                    case 5: _ = try? connection?.send(PipeMessage(copying: message))
                    case 6: try server.broadcast(message)
                    case 7: peers.randomElement(using: &random)?.readAll()
                    case 8: peers.randomElement(using: &random)?.read(atMost: random.number(1...30_000))
                    case 9: peers.randomElement(using: &random)?.write(frame(letters(random.number(0...20_000))))
                    case 10 where random.number(1...4) == 1: connection?.abort()
                    case 11 where random.number(1...4) == 1: connection?.close()
                    case 12 where random.number(1...4) == 1: peers.randomElement(using: &random)?.finishReading()
                    default: loop.reactor.settle()
                    }
                    look()
                }
                if random.number(1...2) == 1 { peers.removeAll() }
                loop.reactor.settle()
                for connection in server.connections { connection.abort() }
                look()
                loop.reactor.settle()
            }
            server.stop()
            loop.reactor.settle()
            look()
            #expect(found.isEmpty, "\(found.prefix(3))")
            #expect(server.statistics.openCount == 0 && server.statistics.queuedMessageCount == 0)
            #expect(server.statistics.takenMessageCount > 100 && server.statistics.sentMessageCount > 0)
        }
    }

    /// Their queue cannot be decoded, and still the number of waiting messages is known.
    @Test func `also of bytes without boundaries, and of messages without bytes`() throws {
        try withLoop(in: VirtualTime()) { loop in
            var configuration = PipeServer.Configuration(framing: RawFraming())
            configuration.connection.sendQueueLimit = 1 << 20
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            for size in [0, 10, 0, 5000, 300_000, 7, 0] {
                try connection.send(letters(size))
                #expect(problems(raw.server) == [])
            }
            #expect(raw.server.statistics.queuedMessageCount + raw.server.statistics.sentMessageCount == 7)
            loop.reactor.settle()
            #expect(problems(raw.server) == [] && raw.server.statistics.queuedMessageCount > 0)
            raw.peer.read(atMost: 100_000)
            loop.reactor.settle()
            #expect(problems(raw.server) == [])
            connection.abort()
            loop.reactor.settle()
            #expect(problems(raw.server) == [] && raw.server.statistics.queuedMessageCount == 0)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

/// A server with one peer that does not read, and numbered messages for it.
private struct SlowReader {
    let raw: RawClient
    let connection: PipeConnection
    private(set) var sentCount = 0
    private(set) var verdicts: [PipeConnection.SendVerdict] = []

    /// The size of messages; 64 KiB do not fit into the queue's buffer as small messages do.
    init(_ loop: Loop, _ policy: PipeConnection.SlowReaderPolicy, limit: Int, byteBudget: Int? = nil) throws {
        var configuration = PipeServer.Configuration()
        configuration.connection.slowReaderPolicy = policy
        configuration.connection.sendQueueLimit = limit
        configuration.byteBudget = byteBudget
        raw = try RawClient(loop, configuration)
        connection = try raw.accepted
    }

    private static let filler = letters(400_000)

    static func message(_ number: Int, _ byteCount: Int) -> [UInt8] {
        Array("\(number) ".utf8) + filler[..<byteCount]
    }

    mutating func send(_ count: Int, byteCount: Int) throws {
        for _ in 0..<count {
            verdicts.append(try connection.send(Self.message(sentCount, byteCount)))
            sentCount += 1
        }
    }

    /// Reads everything, checks that each message is whole, and returns the numbers that came.
    func numbers(_ loop: Loop, byteCount: Int) throws -> [Int] {
        try #require(
            loop.poll {
                raw.peer.readAll()
                return connection.pendingByteCount == 0
            })
        raw.peer.readAll()
        return try raw.peer.frames.map { body in
            let number = try #require(Int(String(decoding: body.prefix { $0 != 0x20 }, as: UTF8.self)))
            #expect(body == Self.message(number, byteCount))
            return number
        }
    }

    /// The number of messages that the connection reports as lost because its peer is slow.
    var lostCount: Int { connection.displacedMessageCount + connection.droppedMessageCount }

    /// The number of messages that the verdicts report as dropped.
    var droppedCount: Int {
        verdicts.reduce(0) { count, verdict in
            switch verdict {
            case .acceptedByDisplacing(let messageCount): count + messageCount
            case .dropped: count + 1
            default: count
            }
        }
    }
}

@Suite(.serialized) struct `A queue without room` {
    private static let sizes = [100, 3000, 20_000, 70_000]
    private static let limit = 400_000

    @Test func `38 · refuses: the message is not sent, and everything before it arrives`() throws {
        try withLoop { loop in
            var slow = try SlowReader(loop, .refuse, limit: Self.limit)
            #expect(throws: PipeError.sendQueueFull(limit: Self.limit)) { try slow.send(1000, byteCount: 3000) }
            #expect(slow.connection.isOpen && slow.connection.droppedMessageCount == 0)
            #expect(try slow.numbers(loop, byteCount: 3000) == Array(0..<slow.sentCount))
        }
    }

    @Test func `38 · disconnects: the message is refused and the connection ends, typed`() throws {
        try withLoop { loop in
            var slow = try SlowReader(loop, .disconnect, limit: Self.limit)
            #expect(throws: PipeError.sendQueueFull(limit: Self.limit)) { try slow.send(1000, byteCount: 3000) }
            #expect(throws: PipeError.notConnected(.ended)) { try slow.send(1, byteCount: 1) }
            try #require(loop.run { slow.raw.recorder.isEverythingClosed })
            #expect(slow.raw.recorder.reasons == [.slowReader])
            #expect(slow.raw.recorder.unsentMessageCount > 0)
            #expect(slow.raw.server.statistics.queuedByteCount == 0)
        }
    }

    @Test(arguments: sizes) func `38 · drops the newest: waiting messages arrive, and every dropped one is counted`(
        byteCount: Int
    ) throws {
        try withLoop { loop in
            var slow = try SlowReader(loop, .dropNewest, limit: Self.limit)
            try slow.send(10_000_000 / byteCount / 5, byteCount: byteCount)
            #expect(slow.connection.pendingByteCount <= Self.limit)
            let kept = slow.verdicts.indices.filter { slow.verdicts[$0] != .dropped }
            #expect(try slow.numbers(loop, byteCount: byteCount) == kept)
            #expect(slow.droppedCount == slow.sentCount - kept.count && slow.droppedCount > 0)
            #expect(slow.connection.droppedMessageCount == slow.droppedCount)
            #expect(slow.raw.server.statistics.droppedMessageCount == slow.droppedCount)
            #expect(slow.raw.server.statistics.displacedMessageCount == 0)
        }
    }

    @Test(arguments: sizes) func `38 · drops the oldest: the end of the stream arrives, whole and in order`(
        byteCount: Int
    ) throws {
        try withLoop { loop in
            var slow = try SlowReader(loop, .dropOldest, limit: Self.limit)
            for _ in 0..<8 {
                try slow.send(2_000_000 / byteCount / 5, byteCount: byteCount)
                slow.raw.peer.read(atMost: 30_000)
                loop.settle()
                #expect(slow.connection.pendingByteCount <= Self.limit)
            }
            let numbers = try slow.numbers(loop, byteCount: byteCount)
            #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
            #expect(numbers.first == 0 && numbers.last == slow.sentCount - 1)
            #expect(slow.sentCount - numbers.count == slow.droppedCount && slow.droppedCount > 0)
            #expect(slow.lostCount == slow.droppedCount)
        }
    }

    @Test(arguments: sizes) func `38 · keeps the latest: once the kernel is full, one message waits`(
        byteCount: Int
    ) throws {
        try withLoop { loop in
            var slow = try SlowReader(loop, .keepLatest, limit: 1 << 20)
            for _ in 0..<60 {
                try slow.send(5, byteCount: byteCount)
                loop.settle()
            }
            // The rest of the one that was begun, and the latest.
            #expect(slow.connection.pendingByteCount <= 2 * (byteCount + 20))
            let numbers = try slow.numbers(loop, byteCount: byteCount)
            #expect(numbers == numbers.sorted() && numbers.first == 0 && numbers.last == slow.sentCount - 1)
            #expect(slow.sentCount - numbers.count == slow.lostCount)
            #expect(byteCount < 3000 || slow.lostCount > 0)
        }
    }

    @Test func `38 · that drops takes a message as large as the limit only where no other is begun`() throws {
        try withLoop { loop in
            var slow = try SlowReader(loop, .dropOldest, limit: Self.limit)
            try slow.send(200, byteCount: 3000)
            loop.settle()
            let waiting = slow.connection.pendingByteCount
            #expect(waiting % 3006 != 0)
            // The rest of the message that was begun has to stay: the new one is dropped, and no other.
            try slow.send(1, byteCount: Self.limit)
            #expect(slow.verdicts.last == .dropped && slow.connection.pendingByteCount == waiting)
            // A message that the framing refuses displaces no other.
            #expect(throws: PipeError.messageTooLarge(byteCount: (16 << 20) + 1, limit: 16 << 20)) {
                try slow.connection.send([UInt8](repeating: 0, count: (16 << 20) + 1))
            }
            #expect(slow.connection.pendingByteCount == waiting)
        }
    }

    @Test func `38 · applies to broadcasts and to other threads' senders, and they report it`() throws {
        try withLoop { loop in
            var slow = try SlowReader(loop, .dropOldest, limit: Self.limit)
            // A long write ends in the middle of a message, which can no longer be dropped.
            try slow.send(200, byteCount: 3000)
            loop.settle()
            let message = letters(10_000)
            var displaced = slow.droppedCount
            for _ in 0..<60 { displaced += try slow.raw.server.broadcast(message).displacedMessageCount }
            #expect(displaced > 10 && slow.lostCount == displaced)
            #expect(try slow.raw.server.broadcast(letters(Self.limit)).droppedCount == 1)
            let sender = slow.connection.sender
            sender.post(letters(Self.limit))
            loop.settle()
            #expect(sender.droppedMessageCount == 1)
            #expect(slow.lostCount == displaced + 2)
        }
    }

    @Test(arguments: [PipeConnection.SlowReaderPolicy.dropOldest, .keepLatest, .dropNewest])
    func `38 · that drops is also within a budget`(policy: PipeConnection.SlowReaderPolicy) throws {
        try withLoop { loop in
            let budget = 300_000
            var slow = try SlowReader(loop, policy, limit: 32 << 20, byteBudget: budget)
            for _ in 0..<20 {
                try slow.send(50, byteCount: 3000)
                loop.settle()
                let statistics = slow.raw.server.statistics
                #expect(statistics.queuedByteCount <= budget)
            }
            let numbers = try slow.numbers(loop, byteCount: 3000)
            #expect(numbers == numbers.sorted() && numbers.first == 0)
            #expect(policy == .dropNewest || numbers.last == slow.sentCount - 1)
            #expect(slow.sentCount - numbers.count == slow.lostCount)
            #expect(slow.lostCount > 0)
            #expect(slow.connection.isOpen)
        }
    }
}

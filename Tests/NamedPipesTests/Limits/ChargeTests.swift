// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A charge` {
    @Test func `58 · for a message in shared memory is for all of that memory, once`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            try connection.fillKernel(loop)
            let before = raw.server.statistics.queuedByteCount
            // As if three messages had been kept from a buffer of 1 MiB.
            let storage = SharedBuffer()
            storage.bytes.reserveCapacity(1 << 20)
            storage.bytes.append(contentsOf: letters(60_000).span)
            for part in 0..<3 {
                try unsafe storage.bytes.withUnsafeBytes { all in
                    let body = unsafe UnsafeRawBufferPointer(rebasing: all[(part * 20_000)..<((part + 1) * 20_000)])
                    try connection.send(unsafe PipeMessage(body, in: storage))
                }
                let charged = raw.server.statistics.queuedByteCount - before
                #expect(charged >= 1 << 20 && charged < (1 << 20) + 200_000)
                #expect(raw.server.endpoint.accountsProblem == nil)
            }
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return connection.pendingByteCount == 0
                })
            #expect(raw.server.statistics.queuedByteCount == 0)
        }
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `58 · of messages that share memory stays with the last of them, whichever leave or are dropped`(
        seed: UInt64
    ) throws {
        var random = Seeded(seed)
        let framing = LengthPrefixFraming()
        let owners = (0..<3).map { _ in
            let owner = SharedBuffer()
            owner.bytes.reserveCapacity(5000)
            owner.bytes.append(contentsOf: pattern(1000).span)
            return owner
        }
        let slot = SendQueueSlot()
        defer { slot.destroy() }
        for _ in 0..<500 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let owner = owners[Int.random(in: 0..<3, using: &random)]
                _ = try unsafe owner.bytes.withUnsafeBytes { body throws(FramingError) in
                    try unsafe slot.value.append(inPlace: body, owner, capacity: 5000) { output throws(FramingError) in
                        try framing.encodeEnvelope(of: unsafe Span<UInt8>(_unsafeBytes: body), into: &output)
                    }
                }
            case 2:
                slot.value.didWrite(Int.random(in: 0...min(2500, slot.value.byteCount), using: &random), framing)
            default:
                _ = slot.value.dropOldest(freeing: Int.random(in: 0...3000, using: &random), framing)
            }
            // One charge for each run of messages in the same memory.
            var expected = 0
            var last: AnyObject?
            for index in 0..<slot.value.segments.count {
                let owner = slot.value.segments[index].owner
                if owner !== last { expected += 5000 }
                last = owner
            }
            // A message that was begun may have been separated from others in its memory, and is then counted beside
            // them.
            #expect((expected...(expected + 5000)).contains(slot.value.segments.capacity))
        }
    }

    @Test func `58 · follows the memory down when kept messages take it with them`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.messagesPerTurn = 1
            let raw = try RawClient(loop, configuration)
            raw.recorder.keepsMessages = false
            var kept: [PipeMessage] = []
            raw.recorder.whenLent = { connection, message in kept.append(connection.keep(message)) }
            raw.peer.writeAll((0..<9).flatMap { _ in frame(pattern(20_000)) })
            var problems: [String] = []
            try #require(
                loop.run {
                    if let problem = raw.server.endpoint.accountsProblem { problems.append(problem) }
                    return raw.recorder.messageCount == 9
                })
            #expect(problems == [])
        }
    }

    @Test func `58 · of the messages that a client keeps has one limit, however often connections come and go`() throws
    {
        try withLoop { loop in
            let limit = 300_000
            var configuration = PipeClient.Configuration()
            configuration.unsentMessages = .keep
            configuration.reconnection = PipeClient.Reconnection()
            configuration.reconnection?.initialDelay = .milliseconds(1)
            configuration.connection.sendQueueLimit = limit
            let listener = try RawListener(at: loop.address)
            let (client, recorder) = loop.client(configuration)
            for round in 1...4 {
                try #require(loop.run { recorder.openCount == round })
                let peer = try #require(listener.accept())
                func fill() {
                    #expect(throws: PipeError.sendQueueFull(limit: limit)) {
                        for _ in 0..<1000 {
                            try client.send(letters(3000))
                            loop.settle()
                        }
                    }
                }
                fill()
                // The connection sends no more, so the messages that follow are kept for the next one.
                client.connection?.finishSending()
                fill()
                peer.close()
                try #require(loop.run { recorder.reasons.count == round })
                #expect(client.kept.byteCount <= limit && client.keptMessageCount > 50)
                #expect(client.endpoint.accountsProblem == nil)
                #expect(client.statisticsOfMemory >= client.kept.byteCount)
            }
        }
    }

    @Test(arguments: [PipeConnection.SlowReaderPolicy.dropOldest, .keepLatest])
    func `38 · of bytes without boundaries is never cut: bytes without room are refused`(
        policy: PipeConnection.SlowReaderPolicy
    ) throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration(framing: RawFraming())
            configuration.connection.slowReaderPolicy = policy
            configuration.connection.sendQueueLimit = 300_000
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            var sent: [UInt8] = []
            #expect(throws: PipeError.sendQueueFull(limit: 300_000)) {
                for number in 0..<1000 {
                    let message = letters(3000, seed: number)
                    try connection.send(message)
                    sent += message
                    loop.settle()
                }
            }
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return raw.peer.received.count == sent.count
                })
            #expect(raw.peer.received == sent)
        }
    }
}

extension PipeClient {
    fileprivate var statisticsOfMemory: Int { endpoint.ledger.queuedByteCount }
}

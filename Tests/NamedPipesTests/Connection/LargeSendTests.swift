// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A large message in the sender's own memory` {
    @Test func `leaves at once if the kernel takes it`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let message = pattern(ReactorBuffers.writtenAtOnceByteCount)
            try connection.send("before")
            #expect(try withPassingMemory(message) { try connection.send($0) } == .accepted)
            #expect(connection.pendingByteCount == 0)
            raw.peer.readAll()
            #expect(raw.peer.frames == [Array("before".utf8), message])
        }
    }

    @Test(arguments: [ReactorBuffers.writtenAtOnceByteCount, 300_000, 2 << 20])
    func `in an array leaves as it was, with the others of its turn`(byteCount: Int) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            var message = pattern(byteCount)
            let sent = [pattern(byteCount), Array("between".utf8), [9] + message.dropFirst()]
            try connection.send(message)
            try connection.send("between")
            message[0] = 9
            try connection.send(message)
            message.removeAll()
            let total = 2 * byteCount + 7 + 12
            #expect(byteCount > 1 << 20 || connection.pendingByteCount == total)
            try #require(raw.peer.receive(total, loop))
            #expect(raw.peer.frames == sent)
        }
    }

    @Test func `that fits into the socket is copied, and leaves with the others of its turn`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let messages = [16_383, 16_384, 20_000, ReactorBuffers.writtenAtOnceByteCount - 1].map { pattern($0) }
            for message in messages { try withPassingMemory(message) { _ = try connection.send($0) } }
            let byteCount = messages.reduce(0) { $0 + $1.count + 4 }
            #expect(connection.pendingByteCount == byteCount)
            try #require(raw.peer.receive(byteCount, loop))
            #expect(raw.peer.frames == messages)
        }
    }

    @Test(arguments: [300_000, 1 << 20, 7 << 20]) func `of which the kernel takes a part is copied for the rest`(
        byteCount: Int
    ) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let messages = [pattern(byteCount, seed: 1), pattern(50, seed: 2), pattern(byteCount, seed: 3)]
            for message in messages { try withPassingMemory(message) { _ = try connection.send($0) } }
            #expect((1..<2 * byteCount).contains(connection.pendingByteCount))
            try #require(raw.peer.receive(2 * byteCount + 62, loop))
            #expect(raw.peer.frames == messages)
        }
    }

    @Test func `of which the kernel takes nothing is copied`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            try connection.fillKernel(loop)
            let pending = connection.pendingByteCount
            let messages = [pattern(150_000, seed: 1), pattern(16_384, seed: 2), pattern(9, seed: 3)]
            for message in messages { try withPassingMemory(message) { _ = try connection.send($0) } }
            #expect(connection.pendingByteCount == pending + 166_393 + 12)
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return connection.pendingByteCount == 0
                })
            raw.peer.readAll()
            #expect(Array(raw.peer.frames.suffix(3)) == messages)
        }
    }

    @Test func `twice in one callback, with small ones around, keeps its place`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let own = [pattern(150_000, seed: 1), pattern(150_000, seed: 2)]
            raw.recorder.whenLent = { connection, message in
                #expect(throws: Never.self) {
                    try connection.send(message)
                    try withPassingMemory(own[0]) { _ = try connection.send($0) }
                    try connection.send("between")
                    try withPassingMemory(own[1]) { _ = try connection.send($0) }
                    try connection.send(message)
                }
            }
            for lent in [pattern(20, seed: 3), pattern(60_000, seed: 4)] {
                let before = raw.peer.frames.count
                raw.peer.writeAll(frame(lent))
                try #require(
                    loop.poll {
                        raw.peer.read(atMost: 70_000)
                        return raw.peer.frames.count == before + 5
                    })
                #expect(Array(raw.peer.frames[before...]) == [lent, own[0], Array("between".utf8), own[1], lent])
            }
        }
    }

    @Test func `above the maximum is refused in every way, and leaves no trace`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.framing = LengthPrefixFraming(maximumMessageByteCount: 20_000)
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            let large = pattern(20_001)
            let refusal = PipeError.messageTooLarge(byteCount: 20_001, limit: 20_000)
            #expect(throws: refusal) { try connection.send(large) }
            #expect(throws: refusal) { try connection.send(PipeMessage(copying: large)) }
            #expect(throws: refusal) { try raw.server.broadcast(large) }
            #expect(connection.pendingByteCount == 0)
            try connection.send(pattern(20_000))
            try connection.send("next")
            try #require(raw.peer.receive(20_012, loop))
            #expect(raw.peer.frames == [pattern(20_000), Array("next".utf8)])
        }
    }

    @Test func `with a delimiter inside is refused, and the queue is as before`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, .init(framing: DelimiterFraming.newline))
            let connection = try raw.accepted
            let bad = letters(30_000) + [0x0A]
            let refusal = PipeError.framing(.containsDelimiter(offset: 30_000))
            for sendsBefore in [false, true] {
                if sendsBefore { try connection.send("before") }
                let pending = connection.pendingByteCount
                #expect(throws: refusal) { try connection.send(bad) }
                #expect(throws: refusal) { try connection.send(PipeMessage(copying: bad)) }
                #expect(connection.pendingByteCount == pending)
            }
            try connection.send(letters(30_000))
            try #require(raw.peer.receive(30_008, loop))
            #expect(raw.peer.received == Array("before\n".utf8) + letters(30_000) + [0x0A])
        }
    }
}

@Suite struct `Large messages in a queue` {
    @Test func `count against its limit, each refused one as a whole`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.sendQueueLimit = 1 << 20
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            try connection.fillKernel(loop)
            let message = PipeMessage(copying: pattern(300_000))
            for _ in 0..<3 { try connection.send(message) }
            let pending = connection.pendingByteCount
            let refusal = PipeError.sendQueueFull(limit: 1 << 20)
            #expect(throws: refusal) { try connection.send(message) }
            #expect(throws: refusal) { try connection.send(pattern(300_000)) }
            let outcome = try raw.server.broadcast(pattern(300_000))
            #expect(outcome.acceptedCount == 0 && outcome.refusals == [connection.id: refusal])
            #expect(connection.pendingByteCount == pending)
            try connection.send(pattern(1000))
            try #require(
                loop.poll {
                    raw.peer.read(atMost: 100_000)
                    return raw.peer.frames.last == pattern(1000)
                })
            #expect(raw.peer.frames.count { $0.count == 300_000 } == 3)
        }
    }

    @Test func `bring it above the high-water mark, and a drain follows once they have left`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 500_000
            configuration.connection.lowWaterMark = 100_000
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            try connection.fillKernel(loop)
            let message = PipeMessage(copying: pattern(240_000))
            #expect(try connection.send(message) == .accepted)
            #expect(try connection.send(message) == .accepted)
            #expect(try connection.send(message) == .acceptedAboveHighWaterMark)
            var pending: Int?
            raw.recorder.whenDrained = { pending = $0.pendingByteCount }
            try #require(
                loop.poll {
                    raw.peer.read(atMost: 30_000)
                    return raw.recorder.drainCount == 1
                })
            #expect(try #require(pending) <= 100_000)
            try #require(
                loop.poll {
                    raw.peer.read(atMost: 30_000)
                    return connection.pendingByteCount == 0
                })
            raw.peer.readAll()
            #expect(raw.peer.frames.suffix(3).allSatisfy { $0 == pattern(240_000) })
            #expect(raw.recorder.drainCount == 1)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

/// Findings of a review of large messages: each of these failed once.
@Suite struct `Corners of large messages` {
    @Test func `one that is passed on in place is not overwritten by a second read in the same turn`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenLent = { connection, message in _ = try? connection.send(message) }
            let sent = [letters(90_000, seed: 1), letters(50_000, seed: 2)]
            raw.peer.writeAll(frame(sent[0]))
            // Urgent data: the kernel ends a read before it, although more bytes are there. Once the peer has finished,
            // the connection goes on reading.
            try #require(raw.peer.write([1], flags: urgent) == 1)
            raw.peer.writeAll(frame(sent[1]))
            raw.peer.finishWriting()
            try #require(raw.peer.receive(140_008, loop))
            #expect(raw.peer.frames == sent)
        }
    }

    @Test func `a read that filled its room exactly is delivered, turn by turn`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration(framing: DelimiterFraming.newline)
            configuration.connection.messagesPerTurn = 1
            let raw = try RawClient(loop, configuration)
            // Twice, so that there is memory for more.
            for _ in 0..<2 {
                raw.peer.writeAll(letters(20_000))
                loop.settle()
            }
            // The line's end and sixteen more lines, to the last byte of one read.
            let partial = try #require(raw.accepted.reassembly)
            let room = partial.memory.bytes.capacity - partial.byteCount
            try #require((61_000..<200_000).contains(room))
            let lines: [UInt8] = (1...15).flatMap { letters(4000, seed: $0) + [0x0A] }
            let first: [UInt8] = [0x0A] + letters(room - 2 - lines.count) + [0x0A]
            raw.peer.writeAll(first + lines)
            try #require(loop.run { raw.recorder.messageCount == 17 })
        }
    }

    /// The bytes behind a large frame are read into two places, and a frame of another size may cross the border.
    @Test(arguments: [70_000, 40_000, 100_000, 150_000], [17_000, 600, 5000, 33_000, 40_100])
    func `frames of another size behind one are delivered`(large: Int, other: Int) throws {
        for (messages, pauses) in [(4096, false), (1, false), (3, false), (4096, true)] {
            try deliver(large, other, messagesPerTurn: messages, pausing: pauses)
        }
    }

    private func deliver(_ large: Int, _ other: Int, messagesPerTurn: Int, pausing: Bool) throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.messagesPerTurn = messagesPerTurn
            let raw = try RawClient(loop, configuration)
            raw.recorder.whenLent = { connection, _ in
                guard pausing else { return }
                connection.pauseReceiving()
                loop.reactor.schedule(after: .zero) { connection.resumeReceiving() }
            }
            let others = (0..<max(1, 190_000 / other)).map { letters(other, seed: $0) }
            let sent = [letters(large)] + others
            let stream = sent.flatMap { frame($0) }
            raw.peer.writeAll(stream[..<(large - 7000)])
            loop.settle()
            raw.peer.writeAll(stream[(large - 7000)...])
            try #require(loop.run { raw.recorder.messageCount == sent.count })
            #expect(raw.recorder.messages == sent)
            #expect(try raw.accepted.reassembly == nil)
        }
    }

    /// Delivered lines leave room in front of the rest; its memory must not grow by that room with each read.
    @Test(arguments: [17_000, 40_000, 100_000])
    func `lines of which each read brings an end and a beginning do not take more and more memory`(size: Int) throws {
        try withLoop { loop in
            let raw = try RawClient(loop, PipeServer.Configuration(framing: DelimiterFraming.newline))
            raw.recorder.keepsMessages = false
            raw.peer.writeAll(letters(size))
            loop.settle()
            for number in 1...12 {
                // Each line is a little longer than the one before.
                raw.peer.writeAll([0x0A] + letters(size + 10 * number))
                try #require(loop.run { raw.recorder.messageCount == number })
                let partial = try #require(raw.accepted.reassembly)
                #expect(partial.memory.bytes.capacity <= 4 * size + (128 << 10))
                #expect(partial.charge.byteCount == partial.memory.bytes.capacity)
            }
        }
    }

    @Test func `frames that are complete are delivered before the rest is held`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration(framing: LengthPrefixFraming(maximumMessageByteCount: 100_000))
            configuration.connection.heldByteLimit = 100_004
            let raw = try RawClient(loop, configuration)
            let sent = [80_000, 90_000, 20_000].map { letters($0) }
            let stream = sent.flatMap { frame($0) }
            raw.peer.writeAll(stream[..<73_000])
            loop.settle()
            raw.peer.writeAll(stream[73_000...])
            try #require(loop.run { raw.recorder.messageCount == 3 })
            #expect(raw.recorder.messages == sent)
        }
    }

    @Test func `a small unfinished frame takes no large buffer`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            for count in [40_000, 90_000] {
                let before = raw.recorder.messageCount
                raw.peer.writeAll(frame(pattern(count)).dropLast())
                loop.settle()
                raw.peer.writeAll([0])
                try #require(loop.run { raw.recorder.messageCount == before + 1 })
            }
            let pool = try raw.accepted.endpoint.buffers.pool
            let before = pool.byteCount
            try #require(before > 100_000)
            raw.peer.writeAll(frame(pattern(100)).dropLast())
            loop.settle()
            #expect(try #require(raw.accepted.reassembly).memory.bytes.capacity < 1000)
            #expect(pool.byteCount == before)
        }
    }

    @Test func `a kept message may outlive the reactor`() throws {
        var kept: [PipeMessage] = []
        weak var seen: Reactor?
        let message = pattern(1 << 20)
        try withLoop { loop in
            seen = loop.reactor
            let raw = try RawClient(loop)
            raw.recorder.whenLent = { connection, message in kept.append(connection.keep(message)) }
            try #require(
                raw.peer.exchange(frame(message), until: { kept.count == 1 }, pieces: 100_000...200_000, loop))
        }
        #expect(seen == nil)
        #expect(kept.map { $0.withBytes { Array(lent: $0) } } == [message])
        // Its memory returns to a pool that no reactor serves any more.
        kept.removeAll()
    }
}

/// `MSG_OOB`.
private let urgent: Int32 = 1

// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A message that is passed on` {
    /// In the receive buffer and in memory of its own; small messages come along.
    private let messages = [30, 150_000, 20_000, 7, 300_000, 16_384, 16_383, 1 << 20, 60_000].enumerated().map {
        letters($0.element, seed: $0.offset)
    }

    /// The messages of the first connection go to all others.
    private func forward(_ raw: RawClient, _ loop: Loop, to count: Int) throws -> [RawPeer] {
        let recorder = raw.recorder
        var sinks: [RawPeer] = []
        for number in 1...count {
            sinks.append(try RawPeer(connectingTo: loop.address))
            try #require(loop.run { recorder.openCount == number + 1 })
        }
        recorder.whenLent = { connection, message in
            for other in recorder.connections where other !== connection {
                #expect(throws: Never.self) { try other.send(message) }
            }
        }
        return sinks
    }

    /// Writes while no peer reads the output.
    private func write(_ messages: [[UInt8]], _ raw: RawClient, _ loop: Loop) throws {
        let stream = messages.flatMap { frame($0) }
        let before = raw.recorder.messageCount
        let isThere = { raw.recorder.messageCount == before + messages.count }
        try #require(raw.peer.exchange(stream, until: isThere, pieces: 1...200_000, loop))
    }

    @Test(arguments: [1, 5]) func `to connections that read later is the same then, whatever has arrived meanwhile`(
        count: Int
    ) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let sinks = try forward(raw, loop, to: count)
            try write(messages, raw, loop)
            // The same memory again, with other bytes.
            raw.recorder.whenLent = { _, _ in }
            try write(messages.reversed().map { $0.map { $0 ^ 0x55 } }, raw, loop)
            for sink in sinks {
                try #require(sink.receive(messages.reduce(0) { $0 + $1.count + 4 }, loop))
                #expect(sink.frames == messages)
            }
        }
    }

    @Test func `may also be a part of the one that came in`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let sinks = try forward(raw, loop, to: 2)
            raw.recorder.whenLent = { connection, message in
                for other in raw.recorder.connections where other !== connection {
                    #expect(throws: Never.self) {
                        try other.send(message.extracting(20_000..<50_000))
                        try other.send(other.keep(message.extracting(10..<200_010)))
                    }
                }
            }
            let sent = [pattern(200_010, seed: 1), pattern(1 << 20, seed: 2)]
            try write(sent, raw, loop)
            raw.recorder.whenLent = { _, _ in }
            try write([pattern(200_000, seed: 3), pattern(1 << 20, seed: 4)], raw, loop)
            for sink in sinks {
                try #require(sink.receive(2 * 230_008, loop))
                let expected = sent.flatMap { [Array($0[20_000..<50_000]), Array($0[10..<200_010])] }
                #expect(sink.frames == expected)
            }
        }
    }

    @Test func `outlives the connection that it came from`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let sinks = try forward(raw, loop, to: 2)
            try write(messages, raw, loop)
            raw.peer.close()
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            for sink in sinks {
                try #require(sink.receive(messages.reduce(0) { $0 + $1.count + 4 }, loop))
                #expect(sink.frames == messages)
            }
        }
    }

    @Test func `from a connection that was aborted in the same callback arrives`() throws {
        for byteCount in [100_000, 1 << 20] {
            try withLoop { loop in
                let raw = try RawClient(loop)
                let sinks = try forward(raw, loop, to: 1)
                raw.recorder.whenLent = { connection, message in
                    for other in raw.recorder.connections where other !== connection { _ = try? other.send(message) }
                    connection.abort()
                }
                let message = pattern(byteCount)
                try #require(
                    raw.peer.exchange(
                        frame(message), until: { raw.recorder.reasons.count == 1 }, pieces: 1...200_000, loop))
                try #require(sinks[0].receive(byteCount + 4, loop))
                #expect(sinks[0].frames == [message])
            }
        }
    }
}

@Suite struct `A kept message` {
    @Test func `has its bytes, whatever its size`() throws {
        for bytes in [[], [1], pattern(16_383), pattern(16_384), pattern(1 << 20)] {
            let message = PipeMessage(copying: bytes)
            #expect(message.byteCount == bytes.count)
            #expect(message.withBytes { Array(lent: $0) } == bytes)
        }
    }

    /// Kept in every kind of memory that a message can have, sent much later to many, and again.
    @Test func `is sent to many, when everything that it came with is gone`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let sent = [0, 100, 20_000, 150_000, 400_000, 2 << 20].map { pattern($0, seed: $0) }
            let kept = try keep(sent, raw, loop)
            raw.peer.close()
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            scribble(over: try #require(kept.buffers).pool)
            var sinks: [RawPeer] = []
            for number in 1...4 {
                sinks.append(try RawPeer(connectingTo: loop.address))
                try #require(loop.run { raw.recorder.openCount == number + 1 })
            }
            for connection in raw.recorder.connections {
                for message in kept.messages + kept.messages.reversed() { try connection.send(message) }
            }
            let expected = sent + sent.reversed()
            for sink in sinks {
                try #require(sink.receive(expected.reduce(0) { $0 + $1.count + 4 }, loop))
                #expect(sink.frames == expected)
            }
            #expect(kept.messages.map { $0.withBytes { Array(lent: $0) } } == sent)
        }
    }

    @Test func `that shares its memory with others holds this memory, and the others may go`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.messagesPerTurn = 1
            let raw = try RawClient(loop, configuration)
            let sent = (0..<8).map { pattern(20_000, seed: $0) }
            var kept: [PipeMessage] = []
            raw.recorder.whenLent = { connection, message in kept.append(connection.keep(message)) }
            raw.peer.writeAll(sent.flatMap { frame($0) })
            try #require(loop.run { kept.count == 8 })
            for index in [6, 3, 0] { kept.remove(at: index) }
            raw.recorder.whenLent = { _, _ in }
            raw.peer.writeAll((0..<8).flatMap { frame(pattern(20_000, seed: $0 + 100)) })
            try #require(loop.run { raw.recorder.messageCount == 16 })
            #expect(kept.map { $0.withBytes { Array(lent: $0) } } == [1, 2, 4, 5, 7].map { sent[$0] })
        }
    }

    @Test func `is not overwritten by a later reader of its connection's buffer, when that ended over garbage`() throws
    {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let message = pattern(20_000)
            var kept: PipeMessage?
            raw.recorder.whenLent = { connection, message in
                if message.isEmpty { connection.pauseReceiving() } else { kept = connection.keep(message) }
            }
            raw.peer.writeAll(frame([]) + frame(message) + [0xFF, 0, 0, 0])
            try #require(loop.run { raw.recorder.messageCount == 1 })
            try raw.accepted.resumeReceiving()
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            // The buffer that carried it is used again for the next partial frame.
            let next = try RawPeer(connectingTo: loop.address)
            next.writeAll(frame(pattern(19_000, seed: 1)).dropLast())
            try #require(loop.run { raw.recorder.connections.first?.reassembly != nil })
            #expect(kept?.withBytes { Array(lent: $0) } == message)
        }
    }

    private func keep(
        _ sent: [[UInt8]], _ raw: RawClient, _ loop: Loop
    ) throws -> (messages: [PipeMessage], buffers: ReactorBuffers?) {
        var kept: [PipeMessage] = []
        raw.recorder.whenLent = { connection, message in kept.append(connection.keep(message)) }
        let stream = sent.flatMap { frame($0) }
        try #require(
            raw.peer.exchange(stream, until: { kept.count == sent.count }, pieces: 1...300_000, loop))
        raw.recorder.whenLent = { _, _ in }
        return (kept, try raw.accepted.endpoint.buffers)
    }

    /// Takes every buffer of the pool, writes over it, and releases it.
    private func scribble(over pool: LargeBufferPool) {
        for exponent in 15...25 {
            while var bytes = pool.take(atLeast: 1 << exponent) {
                bytes.append(contentsOf: [UInt8](repeating: 0xEE, count: bytes.capacity).span)
            }
        }
    }
}

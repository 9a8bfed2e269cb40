// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

extension PipeConnection {
    /// Reads and writes lines from now on.
    fileprivate func speakLines(upTo limit: Int = 1 << 20) throws(PipeError) {
        var configuration = configuration
        configuration.framing = DelimiterFraming([10], maximumMessageByteCount: limit)
        try upgrade(to: configuration)
    }
}

@Suite struct `A connection that is upgraded` {
    @Test func `reads what came behind the present message in the new framing, and answers in it`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenReceived = { connection, message in
                do throws(PipeError) {
                    try connection.send(message)
                    if message == Array("hello".utf8) { try connection.speakLines() }
                } catch {
                    Issue.record(error)
                }
            }
            raw.peer.writeAll(frame("first") + frame("hello") + Array("one\ntwo\nthr".utf8))
            try #require(loop.run { raw.recorder.texts == ["first", "hello", "one", "two"] })
            raw.peer.writeAll(Array("ee\n".utf8))
            let expected = frame("first") + frame("hello") + Array("one\ntwo\nthree\n".utf8)
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return raw.peer.received.count == expected.count
                })
            #expect(raw.peer.received == expected)
        }
    }

    @Test(arguments: 1...8)
    func `finds every message, however the bytes arrive and however often it changes`(seed: Int) throws {
        try withLoop { loop in
            var random = Seeded(UInt64(seed))
            let raw = try RawClient(loop)
            var stream: [UInt8] = []
            var sent: [Int] = []
            var speaksLines = false
            for _ in 0..<80 {
                let body = letters(random.pick([1, 7, 300, 5000, 90_000]))
                stream += speaksLines ? body + [10] : frame(body)
                sent.append(body.count)
                // A message of seven bytes changes to the other framing.
                if body.count == 7 { speaksLines.toggle() }
            }
            var received: [Int] = []
            var isLines = false
            raw.recorder.whenReceived = { connection, message in
                received.append(message.count)
                guard message.count == 7 else { return }
                isLines.toggle()
                var configuration = connection.configuration
                configuration.framing = isLines ? DelimiterFraming.newline : LengthPrefixFraming()
                do throws(PipeError) { try connection.upgrade(to: configuration) } catch { Issue.record(error) }
            }
            var rest = stream[...]
            while !rest.isEmpty {
                rest = rest.dropFirst(max(0, raw.peer.write(rest.prefix(random.pick([1, 3, 1000, 200_000])))))
                if random.number(0...2) == 0 { loop.turn() }
            }
            try #require(loop.run { received.count == sent.count })
            #expect(received == sent)
            #expect(raw.recorder.reasons.isEmpty)
        }
    }

    @Test func `scans a partial message anew, also outside of callbacks`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            // As a length, these would announce more than is allowed soon.
            raw.peer.writeAll([0, 0, 10])
            loop.settle()
            try raw.accepted.speakLines()
            try #require(loop.run { raw.recorder.byteCount == 2 })
            #expect(raw.recorder.messageCount == 1)
        }
    }

    @Test func `has the limits of its new configuration`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            var configuration = connection.configuration
            configuration.framing = LengthPrefixFraming(maximumMessageByteCount: 100)
            configuration.sendQueueLimit = 5000
            configuration.highWaterMark = 4000
            try connection.upgrade(to: configuration)
            #expect(connection.configuration.sendQueueLimit == 5000)
            #expect(throws: PipeError.messageTooLarge(byteCount: 101, limit: 100)) { try connection.send(letters(101)) }
            var refusal: PipeError?
            while refusal == nil {
                do throws(PipeError) { try connection.send(letters(100)) } catch { refusal = error }
            }
            #expect(refusal == .sendQueueFull(limit: 5000))
            #expect(connection.pendingByteCount <= 5000)
            raw.peer.writeAll(frame(letters(101)))
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return !raw.recorder.reasons.isEmpty
                })
            #expect(raw.recorder.reasons.first?.kind == .framing)
        }
    }

    @Test func `gets broadcasts in its own framing`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let other = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { raw.recorder.openCount == 2 })
            try raw.accepted.speakLines(upTo: 4)
            let outcome = try raw.server.broadcast("news")
            #expect(outcome.acceptedCount == 2)
            // Too long for one of them.
            let next = try raw.server.broadcast("later")
            #expect(next.acceptedCount == 1)
            #expect(next.refusals == [try raw.accepted.id: .messageTooLarge(byteCount: 5, limit: 4)])
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    other.readAll()
                    return raw.peer.received.count == 5 && other.frames.count == 2
                })
            #expect(raw.peer.received == Array("news\n".utf8))
        }
    }

    @Test func `is not while earlier messages wait, nor with settings that are fixed`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            var configuration = connection.configuration
            configuration.idleLimit = .seconds(1)
            #expect(throws: PipeError.cannotChange(.deadlines)) { try connection.upgrade(to: configuration) }
            configuration.idleLimit = nil
            configuration.keepsStatistics = true
            #expect(throws: PipeError.cannotChange(.keepsStatistics)) { try connection.upgrade(to: configuration) }
            try connection.fillKernel(loop)
            let pending = PipeError.outputPending(byteCount: connection.pendingByteCount)
            #expect(throws: pending) { try connection.speakLines() }
            #expect(connection.configuration.framing is LengthPrefixFraming)
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return connection.pendingByteCount == 0
                })
            try connection.speakLines()
            connection.abort()
            #expect(throws: PipeError.notConnected(.ended)) { try connection.speakLines() }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `The end of a connection` {
    @Test func `by the peer's close leaves nothing undelivered`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.writeAll(frame("a") + frame("b"))
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == ["a", "b"])
            #expect(raw.recorder.reasons == [.closedByPeer])
        }
    }

    @Test func `42 by a reset: what was sent is delivered first, then one reset`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            try raw.accepted.send("never read")
            loop.settle()
            raw.peer.writeAll((0..<100).flatMap { frame("\($0)") })
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == (0..<100).map { "\($0)" })
            #expect(raw.recorder.reasons == [.resetByPeer])
            #expect(raw.recorder.finishCount == 0)
        }
    }

    @Test("38, 41 · the end is noticed although the peer stopped reading answers that are above the high-water mark")
    func noticedWithAnswersAboveTheMark() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 1000
            let raw = try RawClient(loop, configuration)
            var verdicts: [PipeConnection.SendVerdict?] = []
            raw.recorder.whenReceived = { connection, _ in verdicts.append(try? connection.send(pattern(2000))) }
            raw.peer.finishReading()
            raw.peer.writeAll(frame("a"))
            try #require(loop.run { !verdicts.isEmpty })
            // The write inside `send` has failed: nothing will ever drain, so the owner is not told to wait.
            #expect(verdicts == [.accepted])
            raw.peer.writeAll(frame("b"))
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == ["a", "b"])
            #expect(raw.recorder.unsentMessageCount == 1)
        }
    }

    @Test func `43 after the peer's half-close waits until the slow peer has all replies`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 8 << 20
            let raw = try RawClient(loop, configuration)
            let reply = pattern(100_000)
            raw.recorder.whenReceived = { connection, _ in _ = try? connection.send(reply) }
            raw.peer.writeAll((0..<30).flatMap { frame("\($0)") })
            raw.peer.finishWriting()
            try #require(loop.run { raw.recorder.finishCount == 1 })
            #expect(!raw.recorder.isEverythingClosed)
            try #require(
                loop.poll {
                    raw.peer.read(atMost: 10_000)
                    return raw.recorder.isEverythingClosed
                })
            // The end may come later: a program that another test starts has a copy of our descriptors until its exec.
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return raw.peer.isAtEnd
                })
            #expect(raw.peer.frames.count == 30)
            #expect(raw.peer.frames.allSatisfy { $0 == reply })
            #expect(raw.recorder.reasons == [.closedByPeer])
            #expect(raw.recorder.unsentMessageCount == 0)
        }
    }

    @Test func `may wait for an answer that comes later`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenFinished = { connection in
                loop.reactor.schedule(after: .milliseconds(20)) {
                    _ = try? connection.send("later")
                    connection.close()
                }
            }
            raw.peer.writeAll(frame("question"))
            raw.peer.finishWriting()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            raw.peer.readAll()
            #expect(raw.peer.texts == ["later"])
            #expect(raw.recorder.reasons == [.closedByPeer])
        }
    }

    @Test func `44 of our sending comes after the queue, and the peer's answers still arrive`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            try connection.send("the last word")
            connection.finishSending()
            connection.finishSending()
            #expect(connection.hasFinishedSending && !connection.isOpen)
            #expect(throws: PipeError.notConnected(.finished)) { try connection.send("no") }
            try #require(loop.run { connection.pendingByteCount == 0 })
            loop.settle()
            // Read to the end: the peer has read ours.
            raw.peer.readAll()
            #expect(raw.peer.texts == ["the last word"])
            raw.peer.writeAll(frame("one") + frame("two"))
            try #require(loop.run { raw.recorder.texts == ["one", "two"] })
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.closedByPeer])
        }
    }

    @Test func `is noticed after a half-close when the peer goes away altogether`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenFinished = { _ in }
            raw.peer.finishWriting()
            try #require(loop.run { raw.recorder.finishCount == 1 })
            loop.settle()
            #expect(try raw.accepted.isOpen)
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.closedByPeer])
        }
    }

    @Test func `of the output alone lets the input go on`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.finishReading()
            try raw.accepted.send("into the void")
            loop.settle()
            #expect(try !raw.accepted.isOpen)
            raw.peer.writeAll(frame("still talking"))
            try #require(loop.run { raw.recorder.texts == ["still talking"] })
            #expect(throws: PipeError.notConnected(.ended)) { try raw.accepted.send("no") }
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.closedByPeer])
            #expect(raw.recorder.unsentMessageCount == 1)
        }
    }

    @Test func `41 with 10,000 frames readable when the write fails delivers them all`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.keepsMessages = false
            let connection = try raw.accepted
            connection.pauseReceiving()
            let stream = Array((0..<10_000).map { _ in frame("12") }.joined())
            var sent = 0
            try #require(
                loop.run {
                    sent += max(0, raw.peer.write(stream[sent...]))
                    return sent == stream.count
                })
            // Both: a test beside this one may be forking, and its child has the descriptor until its exec.
            raw.peer.finishReading()
            raw.peer.close()
            loop.settle()
            // No callback has come yet; the failed write is the first sign.
            try connection.send("unsent 1")
            try connection.send("unsent 2")
            loop.settle()
            #expect(!connection.isOpen)
            #expect(raw.recorder.messageCount == 0)
            connection.resumeReceiving()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.messageCount == 10_000)
            #expect(raw.recorder.reasons == [.closedByPeer])
            #expect(connection.unsentMessageCount == 2)
            #expect(!connection.hasPartlySentMessage)
        }
    }

    @Test func `before the accept is that of an ordinary connection`() throws {
        try withLoop { loop in
            let recorder = try loop.server().1
            for _ in 0..<3 {
                let peer = try RawPeer(connectingTo: loop.address)
                peer.writeAll(frame("quick") + frame("and gone"))
                peer.close()
            }
            _ = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.reasons.count == 4 })
            #expect(recorder.texts.count == 6)
            #expect(recorder.reasons == Array(repeating: .closedByPeer, count: 4))
        }
    }

    @Test(arguments: [1, 3, 4, 5, 13]) func `in the middle of a frame says how much is missing`(byteCount: Int) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.writeAll(frame("whole") + frame("0123456789").prefix(byteCount))
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == ["whole"])
            let missing = byteCount < 4 ? nil : 14 - byteCount
            #expect(raw.recorder.reasons == [.truncatedByPeer(missingByteCount: missing)])
            #expect(raw.recorder.finishCount == 0)
        }
    }

    @Test func `in the middle of a large frame says how much is missing`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            var rest = frame(pattern(1 << 20)).dropLast(1000)
            try #require(
                loop.run {
                    rest = rest.dropFirst(max(0, raw.peer.write(rest.prefix(100_000))))
                    return rest.isEmpty
                })
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.truncatedByPeer(missingByteCount: 1000)])
        }
    }

    @Test func `36 by a framing error comes after the messages before it, and answers are still sent`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            raw.peer.writeAll(frame("a") + frame("b") + [0xFF, 0, 0, 0] + frame("c"))
            try #require(loop.run { raw.recorder.isEverythingClosed })
            raw.peer.readAll()
            #expect(raw.recorder.texts == ["a", "b"])
            #expect(raw.peer.texts == ["a", "b"])
            #expect(raw.recorder.log.last == .didClose)
        }
    }

    @Test func `by close sends the queue, and delivers nothing more`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenReceived = { connection, _ in
                for number in 0..<10 { _ = try? connection.send("\(number)") }
                connection.close()
                _ = try? connection.send("too late")
            }
            raw.peer.writeAll(frame("go") + frame("not any more"))
            try #require(loop.run { raw.recorder.isEverythingClosed })
            raw.peer.readAll()
            #expect(raw.peer.texts == (0..<10).map { "\($0)" })
            #expect(raw.recorder.texts == ["go"])
            #expect(raw.recorder.reasons == [.closedLocally])
            #expect(raw.peer.isAtEnd)
        }
    }

    @Test func `by abort drops the queue and counts it`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            for number in 0..<10 { try connection.send("\(number)") }
            connection.abort()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            raw.peer.readAll()
            #expect(raw.peer.received.isEmpty)
            #expect(connection.unsentMessageCount == 10)
            #expect(raw.recorder.reasons == [.closedLocally])
            #expect(throws: PipeError.notConnected(.ended)) { try connection.send("late") }
            #expect(connection.pendingByteCount == 0)
        }
    }

    @Test func `is reported once, whatever is called how often`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            raw.recorder.whenClosed = { connection, _ in
                connection.close()
                connection.abort()
                connection.resumeReceiving()
            }
            connection.close()
            connection.close()
            connection.abort()
            connection.abort()
            connection.close()
            raw.peer.close()
            loop.settle()
            connection.abort()
            connection.close()
            loop.settle()
            #expect(raw.recorder.reasons == [.closedLocally])
        }
    }

    @Test func `of a server with waiting clients is a reset that a client survives`() throws {
        try withLoop { loop in
            let listener = try RawListener(at: loop.address)
            let (client, recorder) = loop.client()
            try #require(loop.run { recorder.openCount == 1 })
            try client.send("to nobody")
            listener.stop()
            try #require(loop.run { recorder.isEverythingClosed && client.state == .idle })
            #expect(recorder.reasons == [.resetByPeer] || recorder.reasons == [.closedByPeer])
        }
    }

    @Test func `of a peer that never reads and dies is noticed above the high-water mark, too`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            while try connection.send(pattern(100_000)) == .accepted {}
            loop.settle()
            raw.peer.writeAll(frame("last words"))
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == ["last words"])
            #expect(raw.recorder.reasons == [.resetByPeer])
        }
    }

    @Test func `37 is not caused by an urgent byte, and nothing is lost`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.writeAll(frame("before"))
            raw.peer.write([0x21], flags: urgent)
            raw.peer.writeAll(frame("behind"))
            #expect(loop.run { raw.recorder.texts == ["before", "behind"] })
            #expect(try raw.accepted.isOpen)
        }
    }

    @Test func `37, 59 comes to a stopping server only after the bytes behind an urgent one`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.writeAll(frame("before"))
            raw.peer.write([0x21], flags: urgent)
            raw.peer.writeAll(frame("behind"))
            raw.server.stop(gracePeriod: .seconds(60))
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == ["before", "behind"])
        }
    }
}

/// `MSG_OOB`.
private let urgent: Int32 = 1

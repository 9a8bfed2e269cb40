// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

/// HOSTILE 65: what a client knows about its messages when the server is suddenly gone. Only "not sent" is certain; the
/// fate of bytes that the kernel took is unknown unless a reply reports it.
@Suite struct `65 · a server that dies in the middle of an answer` {
    @Test func `leaves exact numbers: not sent, sent in part, and the rest unknown`() throws {
        try withLoop { loop in
            let raw = try RawServer(loop)
            let connection = try #require(raw.client.connection)
            for index in 0..<300 { try connection.send(pattern(7001, seed: index)) }
            loop.settle()
            raw.peer.read(atMost: 50_000)
            raw.peer.writeAll(frame("answer") + frame("cut off").dropLast(3))
            loop.settle()
            // The server dies, and what it had not read is gone with it.
            let readCount = raw.peer.frames.count
            raw.peer.finishWriting()
            raw.peer.finishReading()
            raw.peer.close()
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.texts == ["answer"])
            let notSent = connection.unsentMessageCount
            let inPart = connection.hasPartlySentMessage ? 1 : 0
            let unknown = 300 - notSent - inPart
            #expect(notSent > 100 && inPart == 1)
            // Some of these were read and some were not; the client claims neither.
            #expect(unknown > readCount && readCount > 0)
            #expect([.resetByPeer, .truncatedByPeer(missingByteCount: 3)].contains(raw.recorder.reasons[0]))
        }
    }

    @Test func `leaves it certain for messages that never reached the kernel`() throws {
        try withLoop { loop in
            let raw = try RawServer(loop)
            let connection = try #require(raw.client.connection)
            // Queued in a callback's turn; the connection ends before the write.
            for _ in 0..<5 { try connection.send("never") }
            connection.abort()
            try #require(loop.run { raw.recorder.reasons == [.closedLocally] })
            #expect(connection.unsentMessageCount == 5 && !connection.hasPartlySentMessage)
            raw.peer.readAll()
            #expect(raw.peer.received.isEmpty)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

/// Findings of the system-call torture about waiting for room in the socket.
@Suite struct `Waiting for room` {
    @Test func `40 · a write that waits for room is completed by the next one, and the one after it leaves as well`()
        throws
    {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 64 << 10
            let raw = try RawClient(loop, configuration)
            let large = letters(300_000)
            raw.recorder.whenReceived = { connection, _ in
                // Above the mark a message is written at once, as far as there is room; then the peer makes room,
                // before the burst's own write.
                _ = try? connection.send(large)
                raw.peer.readAll()
            }
            raw.peer.writeAll(try LengthPrefixFraming().stream(of: [[1]]))
            #expect(loop.run { raw.recorder.messageCount == 1 })
            let isOut = loop.poll {
                raw.peer.readAll()
                return raw.peer.frames == [large]
            }
            #expect(isOut)
            try raw.accepted.send("and on")
            let isNextOut = loop.poll {
                raw.peer.readAll()
                return raw.peer.frames.count == 2
            }
            #expect(isNextOut)
        }
    }
    /// Behind the end of the input, the watch is edge-triggered: it reports room once, and not again while there is
    /// room.
    @Test(.enabled(if: geteuid() == 0, "needs root, for a socket that holds more than one write brings"))
    func `43 · behind the peer's half-close, messages leave for which there is room, although no more is made`() throws
    {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 8 << 20
            let raw = try RawClient(loop, configuration)
            raw.recorder.whenFinished = { _ in }
            raw.peer.finishWriting()
            try #require(loop.run { raw.recorder.finishCount == 1 })
            let connection = try raw.accepted
            try allowBytes(32 << 20, inSocket: connection.stream.descriptor)
            // The report of the first look at the socket is behind us.
            loop.settle()
            // One write takes 64 pieces, and each message is two: five writes, without a read by the peer.
            let message = PipeMessage(copying: letters(17_000))
            for _ in 0..<130 { #expect(try connection.send(message) == .accepted) }
            #expect(connection.pendingByteCount == 130 * 17_004)
            let hasLeft = loop.run { connection.pendingByteCount == 0 }
            #expect(hasLeft, "\(connection.pendingByteCount) bytes wait")
            let isWhole = loop.poll {
                raw.peer.readAll()
                return raw.peer.frames == Array(repeating: letters(17_000), count: 130)
            }
            #expect(isWhole)
        }
    }

    @Test func `40 · a queue that drains and rises again at once reports the second drain alone`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 64 << 10
            configuration.connection.lowWaterMark = 16 << 10
            configuration.connection.pausesReceivingAboveHighWaterMark = false
            // Each message is a turn of its own, so that the report of room comes between two of them.
            configuration.connection.messagesPerTurn = 1
            let raw = try RawClient(loop, configuration)
            var drains: [Int] = []
            var rose: [PipeConnection.SendVerdict?] = []
            raw.recorder.whenDrained = { drains.append($0.pendingByteCount) }
            raw.recorder.whenReceived = { connection, _ in
                if rose.isEmpty {
                    rose.append(try? connection.send(letters(300_000)))
                } else if raw.peer.received.isEmpty {
                    raw.peer.readAll()
                } else if rose.count == 1 {
                    // Above the mark, a send writes: where there is room, and the loop has reported it, everything
                    // leaves.
                    _ = try? connection.send([1])
                    guard connection.pendingByteCount == 0 else { return }
                    rose.append(try? connection.send(letters(600_000)))
                }
            }
            raw.peer.writeAll(try LengthPrefixFraming().stream(of: Array(repeating: [1], count: 50)))
            try #require(loop.run { rose.count == 2 })
            #expect(rose == [.acceptedAboveHighWaterMark, .acceptedAboveHighWaterMark])
            loop.settle()
            #expect(drains == [])
            let connection = try raw.accepted
            let isOut = loop.poll {
                raw.peer.readAll()
                return connection.pendingByteCount == 0 && !drains.isEmpty
            }
            #expect(isOut)
            loop.settle()
            #expect(drains.count == 1)
            #expect(drains.allSatisfy { $0 <= 16 << 10 })
        }
    }
}

/// `SO_SNDBUFFORCE`, which has no limit (socket(7)).
private func allowBytes(_ count: Int32, inSocket descriptor: Int32) throws {
    var count = count
    try #require(unsafe setsockopt(descriptor, SOL_SOCKET, 32, &count, socklen_t(MemoryLayout<Int32>.size)) == 0)
}

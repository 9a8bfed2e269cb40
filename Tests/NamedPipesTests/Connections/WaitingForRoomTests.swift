// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

/// What the system-call torture found about waiting for room in the socket.
@Suite struct `Waiting for room` {
    @Test func `40 · a write that waits for room is made good by the next one, and the one after it leaves as well`()
        throws
    {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 64 << 10
            let raw = try RawClient(loop, configuration)
            let large = letters(300_000)
            raw.recorder.whenReceived = { connection, _ in
                // Above the mark it is written at once, as far as there is room; then the peer makes room, before the
                // burst's own write.
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
}

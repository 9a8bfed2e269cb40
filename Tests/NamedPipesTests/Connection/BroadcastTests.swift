// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

/// One frame for all connections: written at once where nothing waits, else queued, and shared where it is large.
@Suite struct `A broadcast` {
    static let sizes = [0, 100, 16_383, 16_384, 150_000, 1 << 20]

    @Test(arguments: sizes) func `keeps its place among others, at fast and slow readers`(byteCount: Int) throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            var peers: [RawPeer] = []
            for number in 1...6 {
                peers.append(try RawPeer(connectingTo: loop.address))
                try #require(loop.run { recorder.openCount == number })
            }
            let connections = recorder.connections
            let (before, behind) = (pattern(20_000, seed: 1), pattern(30, seed: 2))
            let messages = [pattern(byteCount, seed: 3), pattern(byteCount, seed: 4)]
            for index in 0..<3 { try connections[index].send(PipeMessage(copying: before)) }
            for index in 0..<2 { try connections[index].fillKernel(loop) }
            #expect(try server.broadcast(messages[0]).acceptedCount == 6)
            #expect(try server.broadcast(PipeMessage(copying: messages[1])).acceptedCount == 6)
            for connection in connections { try connection.send(behind) }
            for (index, peer) in peers.enumerated() {
                try #require(peer.exchange(until: { peer.frames.last == behind }, pieces: 20_000...60_000, loop))
                #expect(Array(peer.frames.suffix(3)) == messages + [behind])
                #expect(peer.frames.first == (index < 3 ? before : messages[0]))
            }
        }
    }

    @Test(arguments: sizes.filter { $0 > 0 }) func `of which the kernel takes a part is counted exactly at the end`(
        byteCount: Int
    ) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let message = pattern(byteCount)
            var count = 0
            // Each message finds an empty queue, until one does not leave as a whole.
            while connection.pendingByteCount == 0 {
                try raw.server.broadcast(message)
                count += 1
            }
            try raw.server.broadcast(message)
            connection.abort()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            raw.peer.readAll()
            let arrived = raw.peer.frames
            let isCut = raw.peer.received.count != arrived.count * (byteCount + 4)
            #expect(arrived.allSatisfy { $0 == message })
            #expect(connection.hasPartlySentMessage == isCut)
            #expect(connection.unsentMessageCount == count + 1 - arrived.count - (isCut ? 1 : 0))
        }
    }

    @Test func `to a peer that is gone is a message that was not sent, and harms no other`() throws {
        for byteCount in [10, 50_000] {
            try withLoop { loop in
                let raw = try RawClient(loop)
                let gone = try raw.accepted
                let other = try RawPeer(connectingTo: loop.address)
                try #require(loop.run { raw.recorder.openCount == 2 })
                gone.pauseReceiving()
                raw.peer.finishReading()
                raw.peer.close()
                let message = pattern(byteCount)
                try raw.server.broadcast(message)
                #expect(!gone.isOpen)
                #expect(try raw.server.broadcast(message).refusals == [gone.id: .notConnected(.ended)])
                gone.resumeReceiving()
                try #require(loop.run { raw.recorder.reasons.count == 1 })
                #expect(gone.unsentMessageCount == 1 && !gone.hasPartlySentMessage)
                try #require(other.receive(2 * (byteCount + 4), loop))
                #expect(other.frames == [message, message])
            }
        }
    }

    @Test func `in the callback of the message that it passes on reaches all, the sender too, in order`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let other = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { raw.recorder.openCount == 2 })
            raw.recorder.whenLent = { [server = raw.server] connection, message in
                #expect(throws: Never.self) {
                    try connection.send("answer")
                    try server.broadcast(message)
                    try connection.send(message)
                }
            }
            let messages = [pattern(10, seed: 1), pattern(60_000, seed: 2), pattern(11, seed: 3)]
            raw.peer.writeAll(messages.flatMap { frame($0) })
            let byteCount = messages.reduce(0) { $0 + $1.count + 4 }
            try #require(raw.peer.receive(2 * byteCount + 3 * 10, loop))
            try #require(other.receive(byteCount, loop))
            #expect(raw.peer.frames == messages.flatMap { [Array("answer".utf8), $0, $0] })
            #expect(other.frames == messages)
        }
    }
}

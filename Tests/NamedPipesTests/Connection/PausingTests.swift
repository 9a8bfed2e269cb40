// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Pausing` {
    // Without a watcher, a server looks after its name on a timer of the loop.
    private let instances = InotifyInstances()

    @Test(arguments: [1, 7, 4096]) func `in the middle of a burst loses nothing and keeps the order`(budget: Int) throws
    {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.messagesPerTurn = budget
            let raw = try RawClient(loop, configuration)
            var isPaused = false
            raw.recorder.whenReceived = { connection, _ in
                if isPaused { Issue.record("a message while paused") }
                guard raw.recorder.messageCount % 10 == 0 else { return }
                isPaused = true
                connection.pauseReceiving()
                loop.reactor.schedule(after: .milliseconds(1)) {
                    isPaused = false
                    connection.resumeReceiving()
                }
            }
            let sent = (0..<95).map { "message \($0)" }
            raw.peer.writeAll(sent.flatMap { frame($0) })
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == sent)
            #expect(raw.recorder.reasons == [.closedByPeer])
        }
    }

    @Test func `before the end of a large frame, or behind it, keeps everything`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let large = pattern(300_000)
            var isPaused = false
            raw.recorder.whenReceived = { connection, _ in
                if isPaused { Issue.record("a message while paused") }
                isPaused = true
                connection.pauseReceiving()
                loop.reactor.schedule(after: .zero) {
                    isPaused = false
                    connection.resumeReceiving()
                }
            }
            var rest = (frame("a") + frame(large) + frame("b") + frame(large) + frame("c") + frame("d"))[...]
            try #require(
                loop.run {
                    rest = rest.dropFirst(max(0, raw.peer.write(rest)))
                    return raw.recorder.messageCount == 6
                })
            #expect(
                raw.recorder.messages == [
                    Array("a".utf8), large, Array("b".utf8), large, Array("c".utf8), Array("d".utf8),
                ])
        }
    }

    @Test func `and resuming in the same callback changes nothing`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenReceived = { connection, _ in
                connection.pauseReceiving()
                connection.resumeReceiving()
            }
            raw.peer.writeAll((0..<100).flatMap { frame("\($0)") })
            try #require(loop.run { raw.recorder.messageCount == 100 })
            #expect(raw.recorder.texts == (0..<100).map { "\($0)" })
        }
    }

    @Test func `makes the peer wait in the kernel, not in memory here`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            try raw.accepted.pauseReceiving()
            let block = pattern(60_000)
            for _ in 0..<100 {
                raw.peer.write(frame(block))
                loop.settle()
            }
            #expect(raw.peer.write(frame(block)) == -11)
            #expect(raw.recorder.messageCount == 0)
        }
    }

    @Test func `53 while the peer hangs up costs nothing, and everything is delivered after resuming`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            try raw.accepted.pauseReceiving()
            raw.peer.writeAll(frame("a") + frame("b"))
            raw.peer.close()
            loop.settle()
            #expect(loop.turnCount(in: .milliseconds(300)) < 10)
            #expect(raw.recorder.log == [.shouldAccept, .didOpen])
            try raw.accepted.resumeReceiving()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.texts == ["a", "b"])
        }
    }

    @Test func `53 after a half-close costs nothing while the answer is being made`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenFinished = { _ in }
            raw.peer.finishWriting()
            try #require(loop.run { raw.recorder.finishCount == 1 })
            #expect(loop.turnCount(in: .milliseconds(300)) < 10)
        }
    }

    @Test func `does not keep the queue from leaving`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            try raw.accepted.pauseReceiving()
            try raw.accepted.send("out")
            loop.settle()
            raw.peer.readAll()
            #expect(raw.peer.texts == ["out"])
        }
    }
}

@Suite struct `A flooding peer` {
    @Test func `51 gets its share of a turn, and then the others are served`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.messagesPerTurn = 10
            let (_, recorder) = try loop.server(configuration)
            let flooding = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 1 })
            let polite = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 2 })
            var order: [String] = []
            recorder.whenReceived = { connection, bytes in order.append(String(decoding: bytes, as: UTF8.self)) }
            flooding.writeAll((0..<1000).flatMap { _ in frame("flood") })
            polite.writeAll(frame("polite"))
            try #require(loop.run { recorder.messageCount == 1001 })
            #expect(try #require(order.firstIndex(of: "polite")) <= 10)
        }
    }

    @Test func `51 that always has a little more to read does not keep the others waiting`() throws {
        try withLoop { loop in
            let (_, recorder) = try loop.server()
            let flooding = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 1 })
            let polite = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 2 })
            var order: [String] = []
            recorder.whenReceived = { connection, bytes in
                order.append(String(decoding: bytes, as: UTF8.self))
                if order.count < 1000 { flooding.writeAll(frame("flood")) }
            }
            flooding.writeAll(frame("flood"))
            polite.writeAll(frame("polite"))
            try #require(loop.run { recorder.messageCount > 1000 })
            #expect(try #require(order.firstIndex(of: "polite")) <= 10)
        }
    }

    @Test func `51 with large frames does not keep the others waiting`() throws {
        try withLoop { loop in
            let (_, recorder) = try loop.server()
            let flooding = try RawPeer(connectingTo: loop.address)
            let polite = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 2 })
            var rest = frame(pattern(8 << 20))[...]
            var wait = 0
            var longestWait = 0
            recorder.whenReceived = { _, bytes in
                if bytes.count == 6 { wait = 0 }
            }
            try #require(
                loop.run {
                    rest = rest.dropFirst(max(0, flooding.write(rest.prefix(200_000))))
                    if wait == 0 { polite.writeAll(frame("polite")) }
                    wait += 1
                    longestWait = max(longestWait, wait)
                    return rest.isEmpty
                })
            #expect(longestWait <= 3)
        }
    }
}

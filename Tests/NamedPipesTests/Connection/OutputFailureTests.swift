// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

private let deadline = Duration.seconds(30)

private func configured(_ change: (inout PipeConnection.Configuration) -> Void = { _ in }) -> PipeServer.Configuration {
    var configuration = PipeServer.Configuration()
    configuration.connection.writeStallDeadline = deadline
    change(&configuration.connection)
    return configuration
}

extension RawClient {
    /// Queues messages of 1 MB for a peer that shuts its reading down and then reads what lies in the kernel, until
    /// there is room and the next write fails.
    fileprivate func failOutput(_ messageCount: Int, _ loop: Loop) throws {
        let message = letters(1_000_000)
        for _ in 0..<messageCount { try accepted.send(message) }
        loop.reactor.settle()
        peer.finishReading()
        loop.reactor.settle()
        #expect(try accepted.isOpen && accepted.pendingByteCount > 0, "nothing tells of it")
        peer.readAll()
        loop.reactor.settle()
    }
}

@Suite struct `A peer that reads no more` {
    // Without a watcher, a server looks after its name on a timer of the loop.
    private let instances = InotifyInstances()

    @Test func `68 · costs nothing from then on, and the owner hears how much did not leave`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let raw = try RawClient(loop, configured())
            let connection = try raw.accepted
            try raw.failOutput(30, loop)
            #expect(raw.server.statistics.queuedByteCount == 0)
            #expect(!connection.isOpen && connection.pendingByteCount == 0)
            #expect(raw.recorder.failedSends == [29] && connection.unsentMessageCount == 29)
            #expect(connection.hasPartlySentMessage)
            #expect(raw.server.statistics.unsentMessageCount == 29)
            #expect(raw.server.statistics.partlySentMessageCount == 1)
            #expect(throws: PipeError.notConnected(.ended)) { try connection.send("more") }
            // Reading goes on, and the peer decides about the end.
            raw.peer.writeAll(frame("still here"))
            raw.peer.close()
            loop.reactor.settle()
            #expect(raw.recorder.texts == ["still here"])
            #expect(raw.recorder.reasons == [.closedByPeer])
            #expect(raw.recorder.failedSends == [29] && raw.recorder.drainCount == 0)
            #expect(raw.recorder.unsentMessageCount == 29 && raw.server.statistics.unsentMessageCount == 29)
        }
    }

    @Test func `68 · and is silent as well, is disconnected at the stall deadline, for a reason of its own`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let raw = try RawClient(loop, configured())
            try raw.failOutput(3, loop)
            loop.reactor.advance(by: deadline)
            #expect(raw.recorder.reasons.isEmpty)
            loop.reactor.advance(by: .seconds(2))
            #expect(raw.recorder.reasons == [.outputFailed])
            #expect(raw.server.statistics.closedCounts == [.outputFailed: 1])
            #expect("\(DisconnectReason.outputFailed)".contains("stopped reading"))
            loop.reactor.advance(by: deadline)
            #expect(loop.reactor.timeUntilNextTimer == nil, "a connection is still watched")
        }
    }

    @Test func `68 · stays for as long as it has something to send`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let raw = try RawClient(loop, configured())
            try raw.failOutput(3, loop)
            for _ in 0..<10 {
                loop.reactor.advance(by: deadline / 2)
                raw.peer.writeAll(frame("news"))
                loop.reactor.settle()
            }
            #expect(raw.recorder.reasons.isEmpty && raw.recorder.messageCount == 10)
            loop.reactor.advance(by: deadline + .seconds(2))
            #expect(raw.recorder.reasons == [.outputFailed])
        }
    }

    @Test func `68 · is not late while its owner has paused receiving`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let raw = try RawClient(loop, configured())
            let connection = try raw.accepted
            try raw.failOutput(3, loop)
            connection.pauseReceiving()
            loop.reactor.settle()
            raw.peer.writeAll(frame("waiting"))
            loop.reactor.advance(by: deadline * 3)
            #expect(raw.recorder.reasons.isEmpty && raw.recorder.messageCount == 0)
            connection.resumeReceiving()
            loop.reactor.settle()
            #expect(raw.recorder.texts == ["waiting"])
            loop.reactor.advance(by: deadline + .seconds(2))
            #expect(raw.recorder.reasons == [.outputFailed])
        }
    }

    @Test func `68 · does not end a pump: its owner is told, and may close`() throws {
        try withLoop(in: VirtualTime()) { loop in
            // As in the guide on back-pressure.
            func pump(_ connection: PipeConnection) {
                while let verdict = try? connection.send(letters(10_000)), verdict == .accepted {}
            }
            let (server, recorder) = try loop.server(configured())
            recorder.whenOpened = pump
            recorder.whenDrained = pump
            recorder.whenSendingFailed = { connection, _ in connection.close() }
            let peer = try RawPeer(connectingTo: loop.address)
            loop.reactor.settle()
            peer.finishReading()
            peer.readAll()
            loop.reactor.settle()
            #expect(recorder.log.suffix(2) == [.didFailSending, .didClose])
            #expect(recorder.reasons == [.closedLocally])
            #expect(recorder.unsentMessageCount == recorder.failedSends.first)
            #expect(server.statistics.queuedByteCount == 0)
        }
    }

    @Test func `68 · leaves the sums of a stop right`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let raw = try RawClient(loop, configured())
            try raw.failOutput(5, loop)
            raw.server.stop(gracePeriod: .seconds(5))
            loop.reactor.settle()
            let report = try #require(raw.server.shutdownReport)
            #expect(report.unsentMessageCount == 4 && report.partlySentMessageCount == 1)
            #expect(report.sentMessageCount == 0 && report.forcedCount == 0)
            #expect(raw.recorder.reasons == [.serverStopped])
        }
    }

    @Test(arguments: [PipeClient.UnsentMessages.discard, .keep])
    func `68 · is no peer for a client that reconnects`(
        unsent: PipeClient.UnsentMessages
    ) throws {
        try withLoop(in: VirtualTime()) { loop in
            var configuration = PipeClient.Configuration()
            configuration.connection.writeStallDeadline = deadline
            configuration.reconnection = PipeClient.Reconnection()
            configuration.unsentMessages = unsent
            let raw = try RawServer(loop, configuration)
            raw.peer.finishReading()
            try raw.client.send("first")
            loop.reactor.settle()
            #expect(raw.client.state == .connected && raw.recorder.failedSends == [1])
            #expect(raw.client.keptMessageCount == (unsent == .keep ? 1 : 0))
            if unsent == .keep { try raw.client.send("second") }
            loop.reactor.advance(by: deadline + .seconds(10))
            #expect(raw.recorder.reasons == [.outputFailed])
            #expect(raw.client.state == .connected && raw.recorder.openCount == 2)
            let peer = try #require(raw.listener.accept())
            peer.readAll()
            #expect(peer.texts == (unsent == .keep ? ["first", "second"] : []))
        }
    }
}

@Suite struct `The stall deadline` {
    /// With `||` for `&&` in the condition, every queue would be under it, also one that leaves in this turn.
    @Test func `38 · applies to a queue that waits for the peer, not to one that is about to be written`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let raw = try RawClient(loop, configured { $0.idleLimit = .seconds(3600) })
            let connection = try raw.accepted
            // The queue's memory has waited before, a long time ago.
            while connection.pendingByteCount == 0 {
                try connection.send(letters(100_000))
                loop.reactor.settle()
            }
            while connection.pendingByteCount > 0 {
                raw.peer.readAll()
                loop.reactor.settle()
            }
            loop.reactor.advance(by: deadline * 2)
            try connection.send("in this turn")
            #expect(connection.lookAfterDeadlines())
            loop.reactor.settle()
            raw.peer.readAll()
            #expect(raw.recorder.reasons.isEmpty && raw.peer.texts.last == "in this turn")
        }
    }
}

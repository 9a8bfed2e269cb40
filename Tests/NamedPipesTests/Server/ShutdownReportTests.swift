// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

@Suite struct `59 · the report of a stop` {
    @Test func `counts what was delivered and sent in the grace`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 3 })
            recorder.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            for peer in peers { peer.writeAll((0..<100).flatMap { frame("\($0)") }) }
            var inside: ShutdownReport?
            recorder.whenStopped = { inside = $0.shutdownReport }
            server.stop(gracePeriod: .seconds(60))
            #expect(server.shutdownReport == nil)
            try #require(loop.run { recorder.stopCount == 1 })
            let report = try #require(server.shutdownReport)
            #expect(inside == report)
            #expect(report.deliveredMessageCount == 300)
            #expect(report.sentMessageCount == 300)
            #expect(report.unsentMessageCount == 0 && report.partlySentMessageCount == 0)
            #expect(report.endedCounts == [.serverStopped: 3] && report.endedCount == 3)
            #expect(report.forcedCount == 0)
        }
    }

    @Test func `counts what did not leave by the end of the grace, to the last message`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            var accepted = 0
            repeat { accepted += 1 } while try connection.send(pattern(100_000)) == .accepted
            let left = connection.pendingMessageCount
            raw.server.stop(gracePeriod: .milliseconds(50))
            try #require(loop.run { raw.recorder.stopCount == 1 })
            let report = try #require(raw.server.shutdownReport)
            #expect(report.forcedCount == 1)
            #expect(report.duration >= .milliseconds(50) && report.duration < Loop.patience)
            #expect(report.unsentMessageCount == connection.unsentMessageCount)
            #expect(report.sentMessageCount + report.unsentMessageCount + report.partlySentMessageCount == left)
            raw.peer.readAll()
            #expect(raw.peer.frames.count == accepted - report.unsentMessageCount - report.partlySentMessageCount)
            #expect(raw.server.statistics.takenMessageCount == accepted)
            #expect(raw.server.statistics.unsentMessageCount == report.unsentMessageCount)
            #expect(raw.server.statistics.partlySentMessageCount == report.partlySentMessageCount)
        }
    }

    @Test func `counts from the grace that ends first, in whatever order they were given`() throws {
        for graces in [[60_000, 50], [50, 60_000], [60_000, 50, 40_000]] {
            try withLoop { loop in
                let raw = try RawClient(loop)
                let connection = try raw.accepted
                repeat {} while try connection.send(pattern(100_000)) == .accepted
                for grace in graces {
                    raw.server.stop(gracePeriod: .milliseconds(grace))
                    loop.settle()
                }
                try #require(loop.run { raw.recorder.stopCount == 1 })
                let report = try #require(raw.server.shutdownReport)
                #expect(report.forcedCount == 1 && report.duration < .milliseconds(60_000))
                // Without effect now.
                raw.server.stop(gracePeriod: .zero)
                #expect(raw.server.isStopped && raw.recorder.stopCount == 1)
            }
        }
    }

    @Test func `counts each connection under its own reason`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let peers = try (0..<4).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 4 })
            peers[0].writeAll([0, 0])
            peers[0].finishWriting()
            peers[1].writeAll([0xff, 0xff, 0xff, 0xff])
            peers[2].finishWriting()
            server.stop(gracePeriod: .seconds(60))
            try #require(loop.run { recorder.stopCount == 1 })
            let report = try #require(server.shutdownReport)
            #expect(
                report.endedCounts == [.truncatedByPeer: 1, .framing: 1, .closedByPeer: 1, .serverStopped: 1])
            #expect(report.forcedCount == 0)
        }
    }

    enum Obstacle: CaseIterable { case pausedConnection, flood, halfFrame, nonReader, answersForEver }

    @Test(arguments: Obstacle.allCases)
    func `comes in time, whatever the others do`(obstacle: Obstacle) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            switch obstacle {
            case .pausedConnection: connection.pauseReceiving()
            case .flood: break
            case .halfFrame: raw.peer.writeAll([0, 0, 1])
            case .nonReader: while try connection.send(pattern(100_000)) == .accepted {}
            case .answersForEver: raw.recorder.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            }
            let many = (0..<100).flatMap { frame("\($0)") }
            raw.server.stop(gracePeriod: .milliseconds(50))
            try #require(
                loop.poll {
                    if obstacle == .flood || obstacle == .answersForEver { raw.peer.write(many) }
                    return raw.recorder.stopCount == 1
                })
            #expect(try #require(raw.server.shutdownReport).endedCount == 1)
        }
    }

    @Test func `comes after a stop from another thread, and after two`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let reference = raw.server.reference
            let threads = try (0..<2).map { _ in
                try ReactorThread { _ in
                    reference.perform { $0.stop(gracePeriod: .seconds(60)) }
                    reference.perform { $0.stop() }
                }
            }
            try #require(loop.run { raw.recorder.stopCount == 1 })
            #expect(raw.server.shutdownReport?.endedCounts == [.serverStopped: 1])
            // No delegate is left to be told.
            loop.settle()
            #expect(raw.recorder.stopCount == 1)
            for thread in threads {
                thread.stop()
                thread.join()
            }
        }
    }

    @Test func `tells messages that were dropped for a slow reader from those that left`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.slowReaderPolicy = .dropOldest
            configuration.connection.sendQueueLimit = 300_000
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            try connection.fillKernel(loop)
            let queued = connection.pendingMessageCount
            raw.server.stop(gracePeriod: .seconds(60))
            for _ in 0..<10 { try connection.send(pattern(100_000)) }
            let displaced = connection.displacedMessageCount
            #expect(displaced > 0)
            try #require(
                loop.run {
                    raw.peer.readAll()
                    return raw.recorder.stopCount == 1
                })
            let report = try #require(raw.server.shutdownReport)
            #expect(report.displacedMessageCount == displaced)
            #expect(report.sentMessageCount == queued + 10 - displaced)
        }
    }

    @Test func `comes after a stop before the loop has run, with clients waiting`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let waiting = try RawPeer(connectingTo: loop.address)
            server.stop(gracePeriod: .seconds(60))
            server.stop()
            #expect(recorder.stopCount == 0)
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(recorder.openCount == 0)
            #expect(server.shutdownReport?.endedCount == 0)
            withExtendedLifetime(waiting) {}
        }
    }

    @Test func `counts what was sent during the stop, and a connection once`() {
        let start = SuspendingClock.now
        var traffic = ServerCounts()
        traffic.receivedMessageCount = 1000
        traffic.takenMessageCount = 500
        var account = ShutdownAccount(at: start, traffic, pendingMessageCount: 7)
        traffic.receivedMessageCount += 11
        traffic.takenMessageCount += 5
        traffic.displacedMessageCount += 2
        account.force(1)
        account.connectionEnded(.serverStopped, unsent: 3, hasPartlySent: true)
        account.connectionEnded(.resetByPeer, unsent: 1, hasPartlySent: false)
        let report = account.finish(at: start + .seconds(2), traffic)
        #expect(report.deliveredMessageCount == 11)
        #expect(report.sentMessageCount == 7 + 5 - 3 - 1 - 1 - 2)
        #expect(report.displacedMessageCount == 2)
        #expect(report.unsentMessageCount == 4 && report.partlySentMessageCount == 1)
        #expect(report.endedCounts == [.serverStopped: 1, .resetByPeer: 1] && report.forcedCount == 1)
        #expect(report.totals == traffic)
        #expect(report.duration == .seconds(2))
    }
}

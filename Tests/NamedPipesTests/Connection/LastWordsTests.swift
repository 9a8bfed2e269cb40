// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesTesting
import PipeReactor
import PipeTestSupport
import Testing

/// More than a socket holds in either direction.
private let words = pattern(2_000_000)
private let question = frame(pattern(600_000, seed: 1))

extension Loop {
    /// The peer writes everything first, and then reads to the end; false where it never gets that far.
    fileprivate func talkThenListen(_ peer: RawPeer) -> Bool {
        var written = 0
        let hasTalked = poll {
            written += max(0, peer.write(question[written...]))
            return written == question.count
        }
        return hasTalked
            && poll {
                peer.readAll()
                return peer.isAtEnd
            }
    }
}

/// The moment of the close, while both sides have more to send than the other's socket takes.
enum CloseMoment: CaseIterable {
    case inFirstCallback, inMessage, whilePaused, aboveHighWaterMark
}

@Suite struct `Last words` {
    @Test(arguments: CloseMoment.allCases, [false, true])
    func `70 · reach a peer that writes before it reads, whenever the close was`(
        moment: CloseMoment, isGuarded: Bool
    ) throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.lacksPassRights = isGuarded
            let (_, recorder) = try loop.server(configuration)
            let close = { (connection: PipeConnection) in
                _ = try? connection.send(words)
                connection.close()
            }
            switch moment {
            case .inFirstCallback: recorder.whenOpened = { close($0) }
            case .inMessage: recorder.whenReceived = { connection, _ in close(connection) }
            case .whilePaused:
                recorder.whenOpened = { connection in
                    connection.pauseReceiving()
                    loop.reactor.schedule(after: .milliseconds(1)) { close(connection) }
                }
            case .aboveHighWaterMark:
                recorder.whenOpened = { connection in
                    #expect((try? connection.send(pattern(4_000_000))) == .acceptedAboveHighWaterMark)
                    loop.reactor.schedule(after: .milliseconds(1)) { close(connection) }
                }
            }
            let peer = try RawPeer(connectingTo: loop.address)
            peer.writeAll(frame("bye"))
            #expect(loop.talkThenListen(peer))
            #expect(peer.frames.last == words)
            try #require(loop.run { recorder.isEverythingClosed })
            #expect(recorder.reasons == [.closedLocally] && recorder.unsentMessageCount == 0)
        }
    }

    @Test func `70 · also reach it if the server is told to stop after the close`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.recorder.whenReceived = { connection, _ in
                _ = try? connection.send(words)
                connection.close()
            }
            raw.peer.writeAll(frame("bye"))
            try #require(loop.run { raw.recorder.messageCount == 1 })
            loop.settle()
            raw.server.stop(gracePeriod: .seconds(60))
            loop.settle()
            #expect(loop.talkThenListen(raw.peer))
            #expect(raw.peer.frames == [words])
            try #require(loop.run { raw.server.isStopped })
            let report = try #require(raw.server.shutdownReport)
            #expect(report.forcedCount == 0 && report.unsentMessageCount + report.partlySentMessageCount == 0)
            #expect(raw.recorder.reasons == [.closedLocally])
        }
    }

    /// `EAGAIN` comes at arbitrary times.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `70 · reach it through a transport that stalls`(seed: UInt64) throws {
        var faults = TransportFaults.bumpy
        faults.stallChance = 0.5
        let network = try MemoryNetwork(seed: seed, faults: faults)
        let mouthful = [UInt8](repeating: 7, count: 40_000)
        let server = try network.makeServer(
            at: "curt",
            delegate: RecordingDelegate { connection, event in
                guard event == .opened else { return }
                _ = try? connection.send(mouthful)
                connection.close()
            })
        let recorder = RecordingDelegate { connection, event in
            if event == .opened { _ = try? connection.send(mouthful) }
        }
        let client = try network.makeClient(to: "curt", delegate: recorder)
        client.connect()
        #expect(network.settle())
        #expect(recorder.messages == [mouthful])
        #expect(server.statistics.closedCounts == [.closedLocally: 1])
        client.disconnect()
        network.settle()
    }

    @Test func `70 · to a peer that is gone are given up at once, and counted`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            for _ in 0..<5 { try connection.send(pattern(100_000)) }
            connection.close()
            loop.reactor.settle()
            raw.peer.writeAll(frame("not any more"))
            raw.peer.close()
            loop.reactor.settle()
            #expect(raw.recorder.reasons == [.closedLocally] && raw.recorder.messageCount == 0)
            #expect(connection.unsentMessageCount > 0 && connection.hasPartlySentMessage)
        }
    }

    @Test func `70 · to a peer that writes byte by byte do not make the turns of a stopping server longer`() throws {
        var faults = TransportFaults.none
        faults.readSizes = 1...1
        let network = try MemoryNetwork(faults: faults)
        var configuration = PipeServer.Configuration()
        configuration.connection.messagesPerTurn = 5
        let recorder = RecordingDelegate()
        let server = try network.makeServer(at: "patient", configuration: configuration, delegate: recorder)
        let client = try network.makeClient(to: "patient", delegate: RecordingDelegate())
        client.connect()
        network.settle()
        let before = server.statistics.receivedByteCount
        try client.send([UInt8](repeating: 1, count: 96))
        server.stop(gracePeriod: .seconds(5))
        var turnCount = 0
        var last = before
        while server.statistics.receivedByteCount < before + 100, turnCount < 1000 {
            var hasTurned = false
            network.reactor.run(timeout: .zero) {
                defer { hasTurned = true }
                return hasTurned
            }
            let now = server.statistics.receivedByteCount
            #expect(now - last <= 5 + 1, "reads in one turn")
            last = now
            turnCount += 1
        }
        #expect(network.settle())
        #expect(recorder.messages.map(\.count) == [96])
        #expect(server.isStopped)
    }
}

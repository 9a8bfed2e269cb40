// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite struct `A server's limits` {
    @Test func `21 · apply to all connections together`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.maximumConnectionCount = 2
            let (server, recorder) = try loop.server(configuration)
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 2 && recorder.refusals.count == 1 })
            #expect(recorder.refusals[0].refusal == .connectionLimit)
            peers[2].readAll()
            #expect(peers[2].isAtEnd)
            // The delegate is not asked about clients for which there is no place.
            #expect(recorder.peers.count == 2)
            peers[0].close()
            try #require(loop.run { recorder.reasons.count == 1 })
            let next = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 3 })
            #expect(server.connectionCount == 2)
            withExtendedLifetime(next) {}
        }
    }

    @Test func `21 · apply to how often a user connects`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connectRatePerUser = ConnectRate(burst: 2, perSecond: 1 / 3600)
            let (server, recorder) = try loop.server(configuration)
            for round in 1...5 {
                let peer = try RawPeer(connectingTo: loop.address)
                try #require(loop.run { recorder.openCount + recorder.refusals.count == round })
                peer.close()
            }
            #expect(recorder.openCount == 2)
            #expect(server.statistics.refusedCounts == [.userConnectRate: 3])
        }
    }

    @Test func `17 · and its owner's are told apart, and the delegate may stop the server in the middle of accepting`()
        throws
    {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            recorder.whenAsked = { server, _ in
                if recorder.peers.count == 2 { server.stop() }
                return recorder.peers.count == 2
            }
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(recorder.refusals.map(\.refusal) == [.delegate, .stopping])
            #expect(server.statistics.refusedCounts == [.delegate: 1, .stopping: 1])
            #expect(server.statistics.acceptedCount == 0)
            withExtendedLifetime(peers) {}
        }
    }

    @Test func `52 · on accepts in a turn keep no connected client waiting behind 4,000 new ones`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.maximumConnectionCount = 1
            configuration.acceptsPerTurn = 16
            let (server, recorder) = try loop.server(configuration)
            let inside = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 1 })
            recorder.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            // The server refuses each, so that the crowd needs no descriptors; an admitted client costs an accept as
            // well.
            let crowdSize = min(4000, maximumBacklog)
            for _ in 0..<crowdSize { try RawPeer(connectingTo: loop.address).close() }
            var answered = 0
            while server.statistics.refusedCount < crowdSize {
                let before = server.statistics.refusedCount
                inside.writeAll(frame("ping"))
                try #require(loop.run { recorder.messageCount == answered + 1 })
                answered += 1
                // The ping was there at the beginning of a turn, and is served in that turn.
                #expect(server.statistics.refusedCount - before <= 2 * 16)
                inside.readAll()
                #expect(inside.frames.count == answered)
            }
            #expect(answered >= crowdSize / 32)
        }
    }

    @Test func `67 · and totals add up for an observer of 10,000 connections that come and go`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            recorder.keepsMessages = false
            recorder.whenAsked = { _, _ in recorder.peers.count % 10 != 0 }
            let looks = Mutex<(count: Int, misfits: Int)>((0, 0))
            let isDone = Atomic<Bool>(false)
            let reference = server.reference
            let address = loop.address
            let visitors = ThreadHandle {
                for round in 0..<10_000 {
                    guard let peer = try? RawPeer(connectingTo: address) else { continue }
                    if round % 3 == 0 { peer.writeAll(frame("hello")) }
                    if round % 5 == 0 { peer.writeAll([0, 0, 0, 9, 1]) }
                }
                isDone.store(true, ordering: .releasing)
            }
            let observer = ThreadHandle {
                while !isDone.load(ordering: .acquiring) {
                    reference.perform { server in
                        let numbers = server.statistics
                        let fits =
                            numbers.acceptedCount == numbers.openCount + numbers.closedCount
                            && numbers.openCount == server.connectionCount
                            && numbers.openCount == server.connections.count
                        looks.withLock { $0 = ($0.count + 1, $0.misfits + (fits ? 0 : 1)) }
                    }
                    sched_yield()
                }
            }
            #expect(loop.poll { isDone.load(ordering: .acquiring) && server.connectionCount == 0 })
            visitors.join()
            observer.join()
            loop.settle()
            let numbers = server.statistics
            #expect(numbers.acceptedCount == recorder.openCount)
            #expect(numbers.closedCount == recorder.reasons.count)
            #expect(numbers.refusedCounts == [.delegate: recorder.peers.count - recorder.openCount])
            #expect(numbers.acceptedCount + numbers.refusedCount == recorder.peers.count)
            for kind in DisconnectReason.Kind.allCases {
                #expect(numbers.closedCounts[kind, default: 0] == recorder.reasons.count { $0.kind == kind })
            }
            #expect(numbers.closedCounts[.truncatedByPeer, default: 0] > 0)
            let (count, misfits) = looks.withLock { $0 }
            #expect(count > 0 && misfits == 0)
        }
    }
}

/// How many clients can wait in a queue (`net.core.somaxconn`).
private var maximumBacklog: Int {
    contents(of: "/proc/sys/net/core/somaxconn").flatMap { Int($0.split(separator: "\n")[0]) } ?? 128
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

extension PipeServer {
    fileprivate func change(_ change: (inout Configuration) -> Void) throws {
        var configuration = configuration
        change(&configuration)
        try reconfigure(configuration)
    }
}

@Suite struct `A server that is reconfigured` {
    @Test func `admits by the new policy, and keeps those whom it would not admit any more`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            try raw.server.change { $0.accessPolicy = .users([]) }
            let late = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { raw.recorder.refusals.map(\.refusal) == [.policy] })
            raw.peer.writeAll(frame("still here"))
            try #require(loop.run { raw.recorder.texts == ["still here"] })
            try raw.server.change { $0.accessPolicy = .ownUser }
            let later = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { raw.recorder.openCount == 2 })
            #expect(raw.server.connectionCount == 2)
            withExtendedLifetime((late, later)) {}
        }
    }

    @Test func `keeps more connections than the new maximum, and admits none until there is room`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 3 })
            try server.change { $0.maximumConnectionCount = 2 }
            #expect(server.configuration.maximumConnectionCount == 2)
            for count in 1...2 {
                let refused = try RawPeer(connectingTo: loop.address)
                try #require(loop.run { recorder.refusals.count == count })
                refused.close()
                peers[count].close()
                try #require(loop.run { recorder.reasons.count == count })
            }
            #expect(server.statistics.refusedCounts == [.connectionLimit: 2])
            let next = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 4 })
            peers[0].writeAll(frame("still here"))
            try #require(loop.run { recorder.texts == ["still here"] })
            withExtendedLifetime(next) {}
        }
    }

    @Test func `counts for a new limit of each user what is open already, in the midst of accepting`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            recorder.whenAsked = { server, _ in
                // The client that is asked about has its place, and is no connection yet.
                if recorder.peers.count == 2 {
                    #expect(throws: Never.self) { try server.change { $0.maximumConnectionCountPerUser = 2 } }
                }
                return true
            }
            let peers = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.refusals.count == 1 })
            #expect(recorder.refusals[0].refusal == .userConnectionLimit && server.connectionCount == 2)
            peers[0].close()
            try #require(loop.run { recorder.reasons.count == 1 })
            let next = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 3 })
            withExtendedLifetime((peers, next)) {}
        }
    }

    @Test func `refuses, typed, what is fixed, and changes nothing then`() throws {
        struct Unknown: MessageFraming {
            var maximumMessageByteCount: Int { 1 }
            func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) -> FrameScan {
                .incomplete(frameByteCount: nil, scannedByteCount: bytes.count)
            }
            func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) {}
        }
        let changes: [(FixedSetting, (inout PipeServer.Configuration) -> Void)] = [
            (.name, { $0.permissions = .everyone }), (.name, { $0.backlog = 1 }),
            (.name, { $0.allowsInsecureDirectory = true }), (.name, { $0.existingServer = .takeOver }),
            (.name, { $0.takeOverTimeout = .zero }), (.name, { $0.nameLoss = .republish }),
            (.name, { $0.republishInterval = .zero }), (.workPerTurn, { $0.acceptsPerTurn = 1 }),
            (.framing, { $0.connection.framing = DelimiterFraming.newline }),
            (.framing, { $0.connection.framing = LengthPrefixFraming(maximumMessageByteCount: 7) }),
            (.framing, { $0.connection.framing = Unknown() }),
            (.descriptors, { $0.connection.descriptors = .accepted() }),
            (.descriptors, { $0.connection.lacksPassRights = true }), (.sendQueue, { $0.connection.highWaterMark = 1 }),
            (.sendQueue, { $0.connection.lowWaterMark = 1 }), (.sendQueue, { $0.connection.sendQueueLimit = 1 }),
            (.sendQueue, { $0.connection.slowReaderPolicy = .keepLatest }),
            (.sendQueue, { $0.connection.pausesReceivingAboveHighWaterMark = false }),
            (.heldByteLimit, { $0.connection.heldByteLimit = 1 }),
            (.workPerTurn, { $0.connection.messagesPerTurn = 1 }),
            (.sendBufferByteCount, { $0.connection.sendBufferByteCount = 1 }),
            (.unreadByteLimit, { $0.connection.unreadByteLimit = 1 }),
            (.keepsStatistics, { $0.connection.keepsStatistics = true }),
        ]
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            for (setting, change) in changes {
                #expect(throws: PipeError.cannotChange(setting)) {
                    try server.change {
                        $0.accessPolicy = .users([])
                        change(&$0)
                    }
                }
            }
            #expect(server.configuration.accessPolicy == .ownUserOrRoot)
            let peer = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 1 })
            withExtendedLifetime(peer) {}
        }
    }

    /// A new setting has to be declared as changeable or fixed.
    @Test func `knows of each setting whether it may change`() {
        let changeable = [
            "connection", "accessPolicy", "maximumConnectionCount", "maximumConnectionCountPerUser",
            "connectRatePerUser", "handOverGrace", "byteBudget", "byteBudgetPerConnection", "byteBudgetPerUser",
        ]
        let fixed = [
            "permissions", "backlog", "allowsInsecureDirectory", "existingServer", "takeOverTimeout", "nameLoss",
            "republishInterval", "acceptsPerTurn",
        ]
        let server = Mirror(reflecting: PipeServer.Configuration()).children.compactMap(\.label)
        #expect(Set(server) == Set(changeable + fixed))
        let deadlines = ["closeTimeout", "frameDeadline", "writeStallDeadline", "idleLimit", "ageLimit"]
        let fixedOfConnection = [
            "framing", "descriptors", "highWaterMark", "lowWaterMark", "sendQueueLimit", "slowReaderPolicy",
            "heldByteLimit", "sendBufferByteCount", "pausesReceivingAboveHighWaterMark", "messagesPerTurn",
            "unreadByteLimit", "keepsStatistics", "lacksPassRights",
        ]
        let connection = Mirror(reflecting: PipeConnection.Configuration()).children.compactMap(\.label)
        #expect(Set(connection) == Set(deadlines + fixedOfConnection))
    }

    @Test func `takes a framing that cannot be compared for the same if it is of the same type`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, PipeServer.Configuration(framing: NetstringFraming()))
            try raw.server.change { $0.connection.framing = NetstringFraming() }
            raw.peer.writeAll(Array("5:hello,".utf8))
            try #require(loop.run { raw.recorder.texts == ["hello"] })
        }
    }

    @Test func `keeps a FIFO from a policy that would need to know its writers`() throws {
        try withLoop { loop in
            let scratch = Scratch()
            let address = try PipeAddress.fifo(scratch.path("fifo"))
            var configuration = PipeServer.Configuration(framing: DelimiterFraming.newline)
            configuration.accessPolicy = .anyUser
            let (server, _) = try loop.server(configuration, at: address)
            #expect(throws: PipeError.policyNeedsIdentity(address)) {
                try server.change { $0.accessPolicy = .ownUser }
            }
            try server.change { $0.connection.idleLimit = nil }
        }
    }

    @Test func `has stopped, and may be told all the same`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            server.stop()
            try #require(loop.run { recorder.stopCount == 1 })
            try server.change { $0.maximumConnectionCount = 1 }
        }
    }
}

/// In virtual time, so that nothing depends on the machine's speed.
@Suite struct `A server whose deadlines change` {
    private func withServer(
        _ change: (inout PipeConnection.Configuration) -> Void,
        _ body: (Loop, PipeServer, Recorder, RawPeer) throws -> Void
    ) throws {
        var configuration = PipeServer.Configuration()
        change(&configuration.connection)
        try withLoop(in: VirtualTime()) { loop in
            let (server, recorder) = try loop.server(configuration)
            let peer = try RawPeer(connectingTo: loop.address)
            loop.reactor.settle()
            try #require(recorder.openCount == 1)
            try body(loop, server, recorder, peer)
        }
    }

    @Test func `ends no connection that was on time, and each that is late from the change on`() throws {
        try withServer({ _ in }) { loop, server, recorder, _ in
            loop.reactor.advance(by: .seconds(3600))
            try server.change { $0.connection.idleLimit = .seconds(60) }
            loop.reactor.advance(by: .seconds(59))
            #expect(recorder.reasons.isEmpty)
            loop.reactor.advance(by: .seconds(4))
            #expect(recorder.reasons == [.idle])
        }
    }

    @Test func `counts in other ticks what was under way, and is never early`() throws {
        try withServer({ $0.frameDeadline = .milliseconds(80) }) { loop, server, recorder, peer in
            peer.writeAll([0, 0])
            loop.reactor.settle()
            loop.reactor.advance(by: .milliseconds(40))
            try server.change { $0.connection.frameDeadline = .seconds(8) }
            loop.reactor.advance(by: .milliseconds(7_990))
            #expect(recorder.reasons.isEmpty)
            loop.reactor.advance(by: .milliseconds(2_100))
            #expect(recorder.reasons == [.frameTimeout])
        }
    }

    @Test func `watches a frame that had begun while there was no deadline`() throws {
        try withServer({ $0.frameDeadline = nil }) { loop, server, recorder, peer in
            peer.writeAll([0, 0, 0, 9, 1])
            loop.reactor.advance(by: .seconds(100))
            #expect(recorder.reasons.isEmpty)
            try server.change { $0.connection.frameDeadline = .seconds(1) }
            loop.reactor.advance(by: .seconds(2))
            #expect(recorder.reasons == [.frameTimeout])
        }
    }

    @Test func `watches a queue that had stalled while there was no deadline, and forgets deadlines that are gone`()
        throws
    {
        try withServer({
            $0.writeStallDeadline = nil
            $0.idleLimit = .seconds(5)
        }) { loop, server, recorder, _ in
            try server.change { $0.connection.idleLimit = nil }
            let connection = try #require(recorder.connections.first)
            try connection.send(pattern(4 << 20))
            loop.reactor.advance(by: .seconds(100))
            #expect(recorder.reasons.isEmpty && connection.pendingByteCount > 0)
            try server.change { $0.connection.writeStallDeadline = .seconds(1) }
            loop.reactor.advance(by: .seconds(2))
            #expect(recorder.reasons == [.writeStalled])
        }
    }

    @Test func `counts on as before if they stay the same`() throws {
        try withServer({ $0.idleLimit = .seconds(8) }) { loop, server, recorder, _ in
            for _ in 0..<10 {
                loop.reactor.advance(by: .seconds(1))
                try server.change { $0.maximumConnectionCount = 9 }
            }
            #expect(recorder.reasons == [.idle])
        }
    }

    @Test(arguments: [4, 8, 40]) func `may change in the midst of a sweep, and goes on with the new ones`(
        seconds: Int
    ) throws {
        try withServer({ $0.idleLimit = .seconds(8) }) { loop, server, recorder, _ in
            // Sends now and then, so that the sweep ends the other one alone.
            let busy = try RawPeer(connectingTo: loop.address)
            recorder.whenClosed = { _, _ in
                guard recorder.reasons.count == 1 else { return }
                #expect(throws: Never.self) { try server.change { $0.connection.idleLimit = .seconds(seconds) } }
            }
            for _ in 0..<10 {
                busy.writeAll(frame("here"))
                loop.reactor.advance(by: .seconds(1))
            }
            #expect(recorder.reasons == [.idle])
            loop.reactor.advance(by: .seconds(2 * seconds))
            #expect(recorder.reasons == [.idle, .idle])
            loop.reactor.advance(by: .seconds(2 * seconds))
            #expect(loop.reactor.companion(SweepRounds.self) { SweepRounds(loop.reactor) }.count == 0)
        }
    }

    @Test func `gives closes from then on the new time, and those with a configuration of their own their own`() throws
    {
        try withServer({ $0.closeTimeout = .seconds(100) }) { loop, server, recorder, peer in
            let upgraded = try #require(recorder.connections.first)
            var own = upgraded.configuration
            own.framing = DelimiterFraming.newline
            own.closeTimeout = .seconds(50)
            try upgraded.upgrade(to: own)
            let other = try RawPeer(connectingTo: loop.address)
            loop.reactor.settle()
            try server.change {
                $0.connection.closeTimeout = .seconds(2)
                $0.connection.ageLimit = .seconds(1000)
                $0.connection.writeStallDeadline = nil
            }
            #expect(upgraded.configuration.ageLimit == .seconds(1000))
            for connection in recorder.connections {
                try connection.send(letters(600_000))
                connection.close()
            }
            loop.reactor.advance(by: .seconds(3))
            #expect(recorder.reasons == [.slowReader] && recorder.connections.contains { $0 === upgraded })
            loop.reactor.advance(by: .seconds(48))
            #expect(recorder.reasons == [.slowReader, .slowReader])
            withExtendedLifetime((peer, other)) {}
        }
    }
}

/// In virtual time: shortages are looked at on a timer.
@Suite struct `A server whose budgets change` {
    private static let block = 1 << 20
    /// The frame of 1 MiB without its last byte.
    private static let unfinished = Array(frame(pattern(block - 1)).dropLast())

    private func withServer(
        budget: Int?, _ body: (Loop, PipeServer, Recorder) throws -> Void
    ) throws {
        var configuration = PipeServer.Configuration()
        configuration.byteBudget = budget
        configuration.connection.frameDeadline = nil
        configuration.connection.writeStallDeadline = nil
        try withLoop(in: VirtualTime()) { loop in
            let (server, recorder) = try loop.server(configuration)
            try body(loop, server, recorder)
        }
    }

    /// Lets a new client send an unfinished message until nothing more of it is taken.
    private func fill(_ loop: Loop) throws -> (peer: RawPeer, rest: ArraySlice<UInt8>) {
        let peer = try RawPeer(connectingTo: loop.address)
        return (peer, write(Self.unfinished[...], to: peer, loop))
    }

    /// - Returns: what was not taken.
    private func write(_ bytes: ArraySlice<UInt8>, to peer: RawPeer, _ loop: Loop) -> ArraySlice<UInt8> {
        var rest = bytes
        while !rest.isEmpty {
            let count = max(0, peer.write(rest))
            rest = rest.dropFirst(count)
            loop.reactor.settle()
            if count == 0 { break }
        }
        return rest
    }

    @Test func `refuses a budget that is smaller than what is in use, until it is not`() throws {
        try withServer(budget: nil) { loop, server, recorder in
            let peers = try (0..<2).map { _ in try fill(loop).peer }
            let held = server.statistics.heldByteCount
            #expect(held >= 2 * Self.block)
            let exceeded = ExceededBudget(scope: .server, limit: Self.block)
            #expect(throws: PipeError.budgetExceeded(exceeded)) {
                try server.change {
                    $0.byteBudget = Self.block
                    $0.maximumConnectionCount = 1
                }
            }
            let ofUser = ExceededBudget(scope: .user(getuid()), limit: Self.block)
            #expect(throws: PipeError.budgetExceeded(ofUser)) {
                try server.change { $0.byteBudgetPerUser = Self.block }
            }
            #expect(server.configuration.byteBudget == nil && server.configuration.maximumConnectionCount == nil)
            loop.reactor.advance(by: .seconds(10))
            #expect(recorder.reasons.isEmpty && server.statistics.heldByteCount == held)
            for peer in peers { peer.writeAll([0]) }
            loop.reactor.settle()
            try server.change { $0.byteBudget = Self.block }
            let connection = try #require(recorder.connections.first)
            #expect(throws: PipeError.budgetExceeded(exceeded)) {
                for _ in 0..<1000 { try connection.send(letters(10_000)) }
            }
            #expect(recorder.messageCount == 2 && recorder.reasons.isEmpty && connection.isOpen)
            // The budget is exhausted, and neither the same one nor a larger one is refused.
            try server.change { $0.maximumConnectionCount = 5 }
            try server.change { $0.byteBudget = 4 * Self.block }
            try connection.send(letters(10_000))
        }
    }

    @Test func `lets those that wait for room go on when one becomes larger, and ends none for the old one`() throws {
        try withServer(budget: 2 << 20) { loop, server, recorder in
            let (holder, _) = try fill(loop)
            let (waiting, rest) = try fill(loop)
            #expect(recorder.connections.contains(where: \.isStarved) && recorder.reasons.isEmpty && !rest.isEmpty)
            try server.change { $0.byteBudget = 64 << 20 }
            loop.reactor.advance(by: .seconds(1))
            #expect(recorder.reasons.isEmpty && !recorder.connections.contains(where: \.isStarved))
            let left = write(rest, to: waiting, loop)
            #expect(left.isEmpty && server.statistics.heldByteCount >= 2 * Self.block)
            for peer in [holder, waiting] { peer.writeAll([0]) }
            loop.reactor.settle()
            #expect(recorder.messageCount == 2)
        }
    }

    @Test func `keeps to a new share of one connection`() throws {
        try withServer(budget: 64 << 20) { loop, server, recorder in
            let before = try fill(loop).peer
            try server.change { $0.byteBudgetPerConnection = 100_000 }
            loop.reactor.advance(by: .seconds(1))
            #expect(recorder.reasons.isEmpty)
            let late = try fill(loop).peer
            let exceeded = ExceededBudget(scope: .connection, limit: 100_000)
            #expect(recorder.reasons == [.budgetExceeded(exceeded)])
            withExtendedLifetime((before, late)) {}
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import PipeTestSupport
import Testing

@testable import NamedPipes

extension TapBatch {
    /// `< hello` for a message to the server, `> hello` for one to the client; of a long one only the size.
    var texts: [String] {
        messages.map { message in
            let bytes = content(of: message)
            let text = bytes.count > 4096 ? "\(bytes.count) bytes" : String(decoding: bytes, as: UTF8.self)
            return (message.direction == .toServer ? "< " : "> ") + text
        }
    }
}

@Suite struct `A tap` {
    /// A tap of everything.
    private func attached(to server: PipeServer, _ filter: TapFilter = TapFilter()) -> MessageTap {
        let tap = MessageTap(filter, contentLimit: 1 << 20, byteLimit: 8 << 20)
        #expect(server.attach(tap))
        return tap
    }

    @Test func `shows what is received and sent, in order, and of which connection`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let tap = attached(to: pair.server)
            pair.atServer.whenReceived = { connection, message in _ = try? connection.send(message) }
            try pair.connection.send("one")
            try pair.connection.send("two")
            try #require(loop.run { pair.atClient.texts == ["one", "two"] })
            let batch = tap.take()
            #expect(batch.texts == ["< one", "> one", "< two", "> two"])
            #expect(batch.messages.map(\.sequence) == [0, 1, 2, 3])
            #expect(batch.messages.map(\.byteCount) == [3, 3, 3, 3])
            let accepted = try pair.accepted
            #expect(batch.messages.allSatisfy { $0.connection == accepted.id && $0.peer == accepted.peer })
            // Nanoseconds of this century. Their order is the clock's, which may be set back.
            #expect(batch.messages.allSatisfy { $0.nanoseconds > 1_700_000_000_000_000_000 })
            #expect(tap.take().messages.isEmpty)
        }
    }

    /// A way to send a message of the server's to the client.
    struct Way: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let send: @Sendable (Pair, [UInt8]) throws -> Void

        static let all = [
            Way(testDescription: "span") { pair, message in try pair.accepted.send(message.span) },
            Way(testDescription: "array") { pair, message in try pair.accepted.send(message) },
            Way(testDescription: "text") { pair, message in
                try pair.accepted.send(String(decoding: message, as: UTF8.self))
            },
            Way(testDescription: "kept message") { pair, message in
                try pair.accepted.send(PipeMessage(copying: message))
            },
            Way(testDescription: "sender") { pair, message in try pair.accepted.sender.post(message) },
            Way(testDescription: "broadcast") { pair, message in
                let outcome = try pair.server.broadcast(message)
                #expect(outcome.acceptedCount == 1)
            },
            Way(testDescription: "group") { pair, message in
                try pair.accepted.join("room")
                let outcome = try pair.server.publish(message, to: "room")
                #expect(outcome.acceptedCount == 1)
            },
        ]
    }

    @Test(arguments: Way.all, [0, 1, 100, 20_000, 300_000])
    func `shows what is sent in any way, of any size, and alters nothing`(way: Way, size: Int) throws {
        for isUpgraded in [false, true] {
            try withLoop { loop in
                let pair = try Pair(loop)
                let tap = attached(to: pair.server)
                if isUpgraded { try pair.accepted.upgrade(to: pair.accepted.configuration) }
                let messages = [letters(size), letters(size, seed: 1), letters(5)]
                // The second one finds a queue, the third one its rest.
                for message in messages { try way.send(pair, message) }
                try #require(loop.run { pair.atClient.messageCount == 3 })
                #expect(pair.atClient.messages == messages)
                let batch = tap.take()
                #expect(batch.messages.map { Array(batch.content(of: $0)) } == messages)
                #expect(batch.messages.allSatisfy { $0.direction == .toClient })
            }
        }
    }

    @Test func `shows messages with descriptors, in both directions`() throws {
        try withLoop { loop in
            let passing = try PassingPair(loop)
            let tap = attached(to: passing.pair.server)
            let file = try NamelessFile("file")
            try passing.send("with", [file.descriptor])
            try #require(loop.run { passing.pair.atServer.messageCount == 1 })
            #expect(passing.pair.atServer.descriptorKinds == [[.file]])
            try send("back", [file.descriptor], on: passing.pair.accepted)
            #expect(tap.take().texts == ["< with", "> back"])
        }
    }

    @Test func `shows what is sent back in the memory into which it was read`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let tap = attached(to: pair.server)
            pair.atServer.whenLent = { connection, message in _ = try? connection.send(message) }
            let messages = [20_000, 60_000, 200_000, 10].map { letters($0) }
            for message in messages { try pair.connection.send(message) }
            try #require(loop.run { pair.atClient.messageCount == 4 })
            #expect(pair.atClient.messages == messages)
            let batch = tap.take()
            for direction in [TappedMessage.Direction.toServer, .toClient] {
                let seen = batch.messages.filter { $0.direction == direction }
                #expect(seen.map { Array(batch.content(of: $0)) } == messages)
            }
        }
    }

    @Test func `shows nothing that was refused or dropped`() throws {
        for policy in [PipeConnection.SlowReaderPolicy.refuse, .dropNewest, .disconnect] {
            try withLoop { loop in
                var configuration = PipeServer.Configuration()
                configuration.connection.sendQueueLimit = 100_000
                configuration.connection.slowReaderPolicy = policy
                configuration.connection.framing = LengthPrefixFraming(maximumMessageByteCount: 60_000)
                let raw = try RawClient(loop, configuration)
                let tap = attached(to: raw.server)
                let accepted = try raw.accepted
                var takenCount = 0
                // The peer reads nothing, so most of these find no room; the last ones are too large.
                for index in 0..<40 {
                    do throws(PipeError) {
                        let message = letters(index < 30 ? 50_000 : 60_001)
                        let isBroadcast = index % 2 == 1
                        if isBroadcast {
                            takenCount += try raw.server.broadcast(message).acceptedCount
                        } else if try accepted.send(message) != .dropped {
                            takenCount += 1
                        }
                    } catch {}
                }
                #expect(takenCount > 0 && takenCount < 30)
                #expect(tap.take().messages.count == takenCount)
                #expect(raw.server.statistics.takenMessageCount == takenCount)
            }
        }
    }

    @Test func `is attached and detached in a callback, in the middle of a burst`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let tap = MessageTap(contentLimit: 100)
            let server = pair.server
            pair.atServer.whenReceived = { connection, message in
                let text = String(decoding: message, as: UTF8.self)
                _ = try? connection.send("before \(text)")
                if text == "on" { #expect(server.attach(tap)) }
                if text == "off" { server.detach(tap) }
                _ = try? connection.send("after \(text)")
            }
            for text in ["1", "on", "2", "off", "3", "on", "off"] { try pair.connection.send(text) }
            try #require(loop.run { pair.atClient.messageCount == 14 })
            // The messages of one read go to the delegate that it began with. What is sent is seen at once.
            #expect(
                tap.take().texts == [
                    "> after on", "> before 2", "> after 2", "> before off", "> after on", "> before off",
                ])
            try pair.connection.send("4")
            try #require(loop.run { pair.atClient.messageCount == 16 })
            #expect(tap.take().messages.isEmpty)
        }
    }

    @Test func `leaves the fast path as it was`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            var isPrepaid: [Bool] = []
            var isIdle: [Bool] = []
            pair.atServer.whenReceived = { connection, message in
                isPrepaid.append(connection.queue?.value.isPrepaid(1) ?? false)
                _ = try? connection.send(message)
            }
            let accepted = try pair.accepted
            let tap = MessageTap(contentLimit: 0)
            for isTapped in [false, true, false] {
                if isTapped { #expect(pair.server.attach(tap)) } else { pair.server.detach(tap) }
                let count = pair.atClient.messageCount + 1
                try pair.connection.send("hello")
                try #require(loop.run { pair.atClient.messageCount == count })
                loop.settle()
                isIdle.append(accepted.state == .idle)
            }
            #expect(isPrepaid == [true, false, true])
            #expect(isIdle == [true, false, true])
        }
    }

    @Test func `sees connections that come later, from their first message`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let tap = attached(to: server)
            recorder.whenOpened = { connection in
                _ = try? connection.send("welcome")
                server.detach(tap)
                #expect(server.attach(tap))
                _ = try? connection.send("again")
            }
            let peer = try RawPeer(connectingTo: loop.address)
            peer.writeAll(frame("hello"))
            try #require(loop.run { recorder.texts == ["hello"] })
            #expect(tap.take().texts == ["> welcome", "> again", "< hello"])
        }
    }

    @Test func `keeps the first bytes of each message, and all sizes`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let taps = [0, 2, 100].map { MessageTap(contentLimit: $0) }
            for tap in taps { #expect(pair.server.attach(tap)) }
            for text in ["", "a", "abc"] { try pair.connection.send(text) }
            try #require(loop.run { pair.atServer.messageCount == 3 })
            let batches = taps.map { $0.take() }
            #expect(batches.map(\.texts) == [["< ", "< ", "< "], ["< ", "< a", "< ab"], ["< ", "< a", "< abc"]])
            for batch in batches { #expect(batch.messages.map(\.byteCount) == [0, 1, 3]) }
        }
    }

    @Test func `loses what it has no room for, counts it, and goes on when it was read`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let stride = MemoryLayout<TappedMessage>.stride
            let tap = MessageTap(contentLimit: 100, byteLimit: 3 * (stride + 100))
            #expect(pair.server.attach(tap))
            // A small one behind a lost one is lost as well, so that the loss has one place.
            let sizes = [100, 100, 100, 100, 0, 100]
            for size in sizes { try pair.connection.send(letters(size)) }
            try #require(loop.run { pair.atServer.messageCount == 6 })
            let batch = tap.take()
            #expect(batch.messages.map(\.sequence) == [0, 1, 2] && batch.lostCount == 3)
            try pair.connection.send("more")
            try #require(loop.run { pair.atServer.messageCount == 7 })
            let next = tap.take()
            #expect(next.texts == ["< more"] && next.lostCount == 0)
            #expect(next.messages.map(\.sequence) == [6])
            // No message is too large for a tap that keeps less of it.
            try pair.connection.send(letters(1 << 20))
            try #require(loop.run { pair.atServer.messageCount == 8 })
            #expect(tap.take().messages.map(\.byteCount) == [1 << 20])
        }
    }

    @Test func `wants one direction, connection, user or process`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            recorder.whenReceived = { connection, message in _ = try? connection.send(message) }
            let peers = try (1...2).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 2 })
            let connections = recorder.connections
            let own = connections[0].peer
            let both = ["< 0", "> 0", "< 1", "> 1"]
            let cases: [(TapFilter, [String])] = [
                (TapFilter(direction: .toServer), ["< 0", "< 1"]), (TapFilter(direction: .toClient), ["> 0", "> 1"]),
                (TapFilter(connection: connections[1].id), ["< 1", "> 1"]),
                (TapFilter(connection: connections[0].id, direction: .toServer), ["< 0"]),
                (TapFilter(userID: own.userID), both), (TapFilter(userID: own.userID + 1), []),
                (TapFilter(processID: own.processID), both), (TapFilter(processID: own.processID + 1), []),
                (TapFilter(userID: own.userID, processID: own.processID + 1), []),
            ]
            for (filter, expected) in cases {
                let tap = attached(to: server, filter)
                let count = recorder.messageCount
                for (index, peer) in peers.enumerated() {
                    peer.writeAll(frame("\(index)"))
                    try #require(loop.run { recorder.messageCount == count + index + 1 })
                }
                let batch = tap.take()
                #expect(batch.texts == expected)
                // What it does not want has no number.
                #expect(batch.messages.map(\.sequence) == (0..<UInt64(expected.count)).map(\.self))
                server.detach(tap)
            }
        }
    }

    @Test func `has few others beside it`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let taps = (0..<PipeServer.maximumTapCount).map { _ in attached(to: pair.server) }
            let more = MessageTap(contentLimit: 0)
            #expect(!pair.server.attach(more))
            pair.server.detach(taps[1])
            pair.server.detach(taps[1])
            #expect(pair.server.attach(more))
            try pair.connection.send("hello")
            try #require(loop.run { pair.atServer.messageCount == 1 })
            #expect((taps + [more]).map { $0.take().messages.count } == [1, 0, 1, 1, 1])
        }
    }

    @Test func `ends with its servers, when it is told to, and when its task is cancelled`() async throws {
        let taps = (0..<4).map { _ in MessageTap(contentLimit: 10) }
        try withLoop { loop in
            let servers = try (0..<2).map { _ in try loop.server(at: .unique()).0 }
            for server in servers { #expect(server.attach(taps[0])) }
            #expect(servers[0].attach(taps[1]) && servers[0].attach(taps[2]))
            taps[2].end()
            servers[0].stop()
            loop.settle()
            // The other one goes on.
            #expect(servers[1].attach(taps[3]) && !servers[0].attach(MessageTap(contentLimit: 0)))
            servers[1].detach(taps[3])
        }
        // The loop has ended, and with it the second server.
        for tap in taps[0...2] { #expect(await tap.next() == nil) }
        let waiting = Task { await taps[3].next() == nil }
        waiting.cancel()
        #expect(await waiting.value)
    }
}

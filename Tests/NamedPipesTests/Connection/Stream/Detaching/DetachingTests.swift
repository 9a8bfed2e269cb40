// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

/// A detached connection, once it is there.
private final class Parcel {
    private var content: DetachedConnection?
    private(set) var count = 0

    func put(_ detached: consuming DetachedConnection) {
        content = consume detached
        count += 1
    }

    func take() -> DetachedConnection? { content.take() }

    func unreadBytes() -> [UInt8]? { content?.unreadBytes }
}

private func secondServer(_ loop: Loop) throws -> (server: PipeServer, recorder: Recorder) {
    let recorder = loop.recorder()
    let address = try PipeAddress.abstract("nobody-connects-here")
    return (PipeServer(adoptingFor: address, reactor: loop.reactor, delegate: recorder), recorder)
}

@Suite struct `A connection that is detached` {
    @Test func `leaves its server with what was read behind the present message, and loses nothing elsewhere`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            let (other, atOther) = try secondServer(loop)
            recorder.whenReceived = { connection, _ in
                do throws(PipeError) {
                    try connection.send("hello yourself")
                    try connection.detach { detached in
                        #expect(server.connectionCount == 0)
                        other.adopt(AcceptedConnection(detached))
                    }
                } catch {
                    Issue.record(error)
                }
                #expect(!connection.isOpen)
                #expect(throws: PipeError.notConnected(.finished)) { try connection.send("too late") }
            }
            atOther.whenReceived = { connection, message in _ = try? connection.send(message) }
            let peer = try RawPeer(connectingTo: loop.address)
            peer.writeAll(frame("hello") + frame("one") + frame("two") + Array(frame("three").prefix(6)))
            try #require(loop.run { atOther.texts == ["one", "two"] })
            #expect(recorder.texts == ["hello"])
            #expect(recorder.reasons == [.detached])
            #expect(server.statistics.closedCounts == [.detached: 1])
            peer.writeAll(frame("three").dropFirst(6))
            try #require(
                loop.run {
                    peer.readAll()
                    return peer.frames.count == 4
                })
            #expect(peer.texts == ["hello yourself", "one", "two", "three"])
            #expect(atOther.peers.first?.processID == getpid())
        }
    }

    @Test(arguments: 1...8)
    func `loses no byte, whenever it goes back and forth`(seed: Int) throws {
        try withLoop { loop in
            var random = Seeded(UInt64(seed))
            let (server, recorder) = try loop.server()
            let (other, atOther) = try secondServer(loop)
            var texts: [String] = []
            for (mine, its) in [(recorder, other), (atOther, server)] {
                mine.whenReceived = { connection, message in
                    texts.append(String(decoding: message.prefix(8), as: UTF8.self))
                    guard random.number(0...3) == 0 else { return }
                    do throws(PipeError) {
                        try connection.detach { its.adopt(AcceptedConnection($0)) }
                    } catch {
                        Issue.record(error)
                    }
                }
            }
            let peer = try RawPeer(connectingTo: loop.address)
            var sent: [String] = []
            var stream: [UInt8] = []
            for number in 0..<60 {
                let text = "\(number) ".padding(to: random.pick([8, 20, 300, 70_000]))
                sent.append(String(text.prefix(8)))
                stream += frame(text)
            }
            var rest = stream[...]
            while !rest.isEmpty {
                let written = peer.write(rest.prefix(random.number(1...40_000)))
                rest = rest.dropFirst(max(0, written))
                loop.turn()
            }
            try #require(loop.run { texts.count == 60 })
            #expect(texts == sent)
        }
    }

    @Test func `sends its queue first, however long that takes`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let parcel = Parcel()
            try connection.fillKernel(loop)
            try connection.send("last")
            try connection.detach(parcel.put)
            raw.peer.writeAll(frame("unread"))
            loop.settle()
            #expect(parcel.count == 0)
            #expect(raw.recorder.reasons.isEmpty)
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return parcel.count == 1
                })
            raw.peer.readAll()
            #expect(raw.peer.texts.last == "last")
            #expect(!raw.peer.isAtEnd)
            // What was not read at all stays in the socket.
            #expect(parcel.unreadBytes() == [])
            if let detached = parcel.take() { _ = close(detached.takeDescriptor()) }
            raw.peer.readAll()
            #expect(raw.peer.isAtEnd || !raw.peer.readErrors.isEmpty)
        }
    }

    @Test func `is given up if its peer does not read the queue in time`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let parcel = Parcel()
            while connection.pendingByteCount == 0 {
                try connection.send(letters(4000))
                loop.reactor.settle()
            }
            try connection.detach(parcel.put)
            loop.reactor.advance(by: .seconds(11))
            #expect(raw.recorder.reasons == [.slowReader])
            #expect(parcel.count == 0)
        }
    }

    @Test func `is not, if it is closed or its server stops first`() throws {
        try withLoop { loop in
            for stops in [false, true] {
                let (server, recorder) = try loop.server()
                let peer = try RawPeer(connectingTo: loop.address)
                try #require(loop.run { recorder.openCount == 1 })
                let connection = try #require(recorder.connections.first)
                let parcel = Parcel()
                try connection.detach(parcel.put)
                if stops { server.stop() } else { connection.close() }
                try #require(loop.run { recorder.reasons == [stops ? .serverStopped : .closedLocally] })
                loop.settle()
                #expect(parcel.count == 0)
                server.stop()
                try #require(loop.run { recorder.stopCount == 1 })
                peer.close()
            }
        }
    }

    @Test func `goes in its first callback, too, and after the end of its input`() throws {
        try withLoop { loop in
            let (_, recorder) = try loop.server()
            let (other, atOther) = try secondServer(loop)
            recorder.whenOpened = { connection in
                do throws(PipeError) {
                    try connection.detach { other.adopt(AcceptedConnection($0)) }
                    // Nothing is delivered any more.
                    connection.resumeReceiving()
                } catch {
                    Issue.record(error)
                }
            }
            let early = try RawPeer(connectingTo: loop.address)
            early.writeAll(frame("early"))
            early.finishWriting()
            try #require(loop.run { atOther.texts == ["early"] })
            #expect(recorder.messageCount == 0)
            try #require(loop.run { atOther.reasons == [.closedByPeer] })
            recorder.whenOpened = { _ in }
            recorder.whenFinished = { connection in
                do throws(PipeError) {
                    try connection.detach { other.adopt(AcceptedConnection($0)) }
                } catch {
                    Issue.record(error)
                }
            }
            let late = try RawPeer(connectingTo: loop.address)
            late.finishWriting()
            try #require(loop.run { atOther.reasons.count == 2 })
            #expect(recorder.reasons == [.detached, .detached])
        }
    }

    @Test func `tells of messages that were lost with its output, and leaves all the same`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let parcel = Parcel()
            try connection.fillKernel(loop)
            try connection.detach(parcel.put)
            raw.peer.finishReading()
            // Only a write tells, and only once there is room for one.
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return parcel.count == 1
                })
            #expect(raw.recorder.reasons == [.detached])
            #expect(raw.recorder.unsentMessageCount > 0)
        }
    }

    @Test func `is refused where it cannot be`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            connection.finishSending()
            #expect(throws: PipeError.notConnected(.finished)) { try connection.detach { _ in } }
            connection.abort()
            #expect(throws: PipeError.notConnected(.ended)) { try connection.detach { _ in } }
            let (_, atClient) = loop.client()
            try #require(loop.run { atClient.openCount == 1 })
            let client = try #require(atClient.connections.first)
            #expect(throws: PipeError.cannotDetach(.belongsToClient)) { try client.detach { _ in } }
            #expect(client.isOpen)
        }
    }

    @Test func `brings unread bytes within the budget of the next server`() throws {
        try withLoop { loop in
            let recorder = loop.recorder()
            var configuration = PipeServer.Configuration()
            configuration.connection.heldByteLimit = 10_000
            let server = PipeServer(
                adoptingFor: try .abstract("nobody-connects-here"), configuration: configuration,
                reactor: loop.reactor, delegate: recorder)
            for count in [9000, 11_000] {
                let (one, peer) = try RawPeer.pair()
                let bytes = Array(frame(letters(20_000)).prefix(count))
                server.adopt(try AcceptedConnection(adopting: try duplicate(one.descriptor), unreadBytes: bytes))
                try #require(loop.run { recorder.openCount == (count == 9000 ? 1 : 2) })
                loop.settle()
                peer.close()
            }
            try #require(loop.run { recorder.reasons.count == 2 })
            let limit = ExceededBudget(scope: .connection, limit: 10_000)
            #expect(Set(recorder.reasons).contains(.budgetExceeded(limit)))
        }
    }
}

extension String {
    fileprivate func padding(to count: Int) -> String {
        self + String(repeating: "x", count: max(0, count - self.count))
    }
}

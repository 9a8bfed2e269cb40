// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Synchronization
import Testing

// The fate of a connection whose peer sends descriptors, as on a kernel without SO_PASSRIGHTS.

@Suite struct `Descriptors on an older kernel` {
    static var configuration: PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        configuration.connection.lacksPassRights = true
        return configuration
    }

    @Test func `24 · end the connection after the messages that came with them or before`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration)
            let connection = try raw.accepted
            raw.recorder.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            raw.peer.writeAll(frame("before"))
            #expect(raw.peer.write(frame("with"), passing: [2]) == 8)
            raw.peer.writeAll(frame("behind"))
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.reasons == [.descriptorsReceived])
            #expect(raw.recorder.texts == ["before", "with"])
            raw.peer.readAll()
            #expect(raw.peer.texts == ["before", "with"])
            withExtendedLifetime(connection) {}
        }
    }

    @Test func `24 · with half a message end the connection without it`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration)
            #expect(raw.peer.write(Array(frame("half").dropLast()), passing: [2]) == 7)
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.reasons == [.descriptorsReceived])
            #expect(raw.recorder.messageCount == 0)
        }
    }

    @Test func `24 · inside a large message that is read in place, too`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration)
            let large = frame(letters(1 << 20))
            raw.peer.writeAll(large[..<100_000])
            loop.settle()
            #expect(raw.peer.write(Array(large[100_000..<150_000]), passing: [2]) == 50_000)
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.reasons == [.descriptorsReceived])
        }
    }

    @Test func `24 · wait for a paused connection, and for the budget of a turn`() throws {
        try withLoop { loop in
            var configuration = Self.configuration
            configuration.connection.messagesPerTurn = 2
            let raw = try RawClient(loop, configuration)
            raw.recorder.whenReceived = { connection, _ in
                if raw.recorder.messageCount == 3 { connection.pauseReceiving() }
            }
            raw.peer.writeAll((0..<10).flatMap { frame("\($0)") })
            #expect(raw.peer.write(frame("with"), passing: [2]) == 8)
            loop.settle()
            #expect(raw.recorder.messageCount == 3 && raw.recorder.reasons.isEmpty)
            raw.recorder.whenReceived = { _, _ in }
            try raw.accepted.resumeReceiving()
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.messageCount == 11)
            #expect(raw.recorder.reasons == [.descriptorsReceived])
        }
    }

    @Test func `24 · from a server end the client's connection`() throws {
        try withLoop { loop in
            var configuration = PipeClient.Configuration()
            configuration.connection.lacksPassRights = true
            let raw = try RawServer(loop, configuration)
            #expect(raw.peer.write(frame("with"), passing: [2]) == 8)
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.reasons == [.descriptorsReceived])
            #expect(raw.recorder.texts == ["with"])
        }
    }

    @Test func `do not change anything else`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration)
            raw.recorder.whenReceived = { connection, bytes in _ = try? connection.send(bytes) }
            let stream = frame(letters(300_000)) + frame("small") + frame(letters(70_000, seed: 1)) + frame("last")
            #expect(
                raw.peer.exchange(stream, until: { raw.peer.received.count >= stream.count }, pieces: 1...40_000, loop))
            #expect(raw.peer.received == stream)
            // Closed over unread bytes: reported by a reset, also from a thread of its own.
            try raw.accepted.pauseReceiving()
            raw.peer.writeAll(frame("unread"))
            loop.settle()
            try raw.accepted.abort()
            #expect(
                loop.poll {
                    raw.peer.readAll(); return !raw.peer.readErrors.isEmpty || raw.peer.isAtEnd
                })
            #expect(raw.peer.readErrors == [ECONNRESET])
        }
    }

    @Test func `27 · ETOOMANYREFS at our own send is a typed end`() throws {
        // Only a sender of descriptors can get it, and the library sends none. So the test injects it where it would
        // come.
        try withLoop { loop in
            let raw = try RawClient(loop)
            let error = SystemError(call: "sendmsg", code: ETOOMANYREFS)
            try raw.accepted.outputDidFail(error)
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.reasons == [.system(error)])
        }
    }
}

/// The count is that of the whole process, so each test has a process of its own.
@Suite struct `Descriptors by the hundred` {
    @Test func `25 · with every message leave the count of descriptors constant`() async {
        await #expect(processExitsWith: .success) { try flood(lacksPassRights: false) }
        await #expect(processExitsWith: .success) { try flood(lacksPassRights: true) }
    }

    @Test func `26 · at the limit of descriptors end the connection, typed, and leave none behind`() async {
        await #expect(processExitsWith: .success) { try floodAtTheLimit() }
    }
}

/// All but those that Dispatch waits with, for the testing library: an epoll, an eventfd and a timerfd. It makes them
/// on a thread and at a time of its own, which on a busy machine may be behind the first count.
private func descriptorsToCount() -> [String] { openDescriptors().filter { !$0.hasPrefix("anon_inode:") } }

private func flood(lacksPassRights: Bool) throws {
    let server = try BombedServer(lacksPassRights: lacksPassRights)
    _ = try #require(server.ping())
    let before = descriptorsToCount().count
    let many = [Int32](repeating: 2, count: AncillaryRead.limit)
    for _ in 0..<300 {
        let peer = try RawPeer(connectingTo: server.address)
        let result = peer.write(frame("x"), passing: many)
        #expect(result == 5 || result == -Int(EPERM))
        peer.finishWriting()
        try #require(
            eventually {
                peer.readAll(); return peer.isAtEnd || !peer.readErrors.isEmpty
            })
    }
    _ = try #require(server.ping())
    #expect(eventually { descriptorsToCount().count <= before })
    server.end()
}

private func floodAtTheLimit() throws {
    let server = try BombedServer(lacksPassRights: true)
    _ = try #require(server.ping())
    let peer = try RawPeer(connectingTo: server.address)
    try #require(eventually { server.record.openCount.load(ordering: .relaxed) == 2 })
    let before = descriptorsToCount().count
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    unsafe getrlimit(resource, &limit)
    // Room for a few of the 253, so that the kernel passes some and drops the rest.
    limit.rlim_cur = rlim_t(openDescriptors().count + 10)
    try #require(unsafe setrlimit(resource, &limit) == 0)
    #expect(peer.write(frame("x"), passing: [Int32](repeating: 2, count: AncillaryRead.limit)) == 5)
    try #require(eventually { !server.record.reasons.withLock(\.isEmpty) })
    #expect(server.record.reasons.withLock { $0 } == [.descriptorsReceived])
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(resource, &limit)
    #expect(eventually { descriptorsToCount().count < before })
    _ = try #require(server.ping())
    server.end()
}

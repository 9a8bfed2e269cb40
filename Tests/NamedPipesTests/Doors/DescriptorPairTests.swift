// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Testing

/// Both directions of a connection over two descriptors, one of which another process may share.
@Suite struct `A connection over two descriptors` {
    @Test(arguments: StreamKind.pairs)
    func `brings messages in, and takes them out`(kind: StreamKind) throws {
        try withLoop { loop in
            let (plain, recorder) = (try PlainPair(kind), loop.recorder())
            recorder.whenReceived = { connection, message in _ = try? connection.send(message.span) }
            plain.writeAll(frame("early"))
            let connection = PipeConnection.serve(try plain.accepted(), reactor: loop.reactor, delegate: recorder)
            #expect(recorder.openCount == 0, "a callback inside the call")
            try #require(loop.poll { plain.hasReceived(9) })
            #expect(plain.received == frame("early"))
            #expect(connection.server == nil && connection.client == nil)
            #expect(connection.peer.isKnown == (kind == .socketPairs))
        }
    }

    @Test(arguments: StreamKind.pairs)
    func `waits for room, and loses nothing`(kind: StreamKind) throws {
        try withLoop { loop in
            let (plain, recorder) = (try PlainPair(kind), loop.recorder())
            let connection = PipeConnection.serve(try plain.accepted(), reactor: loop.reactor, delegate: recorder)
            let body = pattern(3 << 20)
            try connection.send(body)
            try connection.send("behind it")
            loop.settle()
            #expect(connection.pendingByteCount > 0)
            try #require(loop.poll { plain.hasReceived(body.count + 17) })
            #expect(plain.received == frame(body) + frame("behind it"))
            #expect(connection.pendingByteCount == 0)
        }
    }

    @Test(arguments: StreamKind.pairs)
    func `answers behind the end of the input, and closes both`(kind: StreamKind) throws {
        try withLoop { loop in
            let (plain, recorder) = (try PlainPair(kind), loop.recorder())
            recorder.whenReceived = { connection, message in _ = try? connection.send(message.span) }
            PipeConnection.serve(try plain.accepted(), reactor: loop.reactor, delegate: recorder)
            plain.writeAll(frame("last"))
            plain.closeOutput()
            try #require(loop.poll { plain.hasReachedEnd() })
            #expect(plain.received == frame("last"))
            try #require(loop.run { recorder.reasons == [.closedByPeer] })
        }
    }

    @Test func `tells the other end that nothing more comes, and goes on receiving`() throws {
        try withLoop { loop in
            let (plain, recorder) = (try PlainPair(), loop.recorder())
            let connection = PipeConnection.serve(try plain.accepted(), reactor: loop.reactor, delegate: recorder)
            try connection.send("all")
            connection.finishSending()
            try #require(loop.poll { plain.hasReachedEnd() })
            plain.writeAll(frame("more"))
            try #require(loop.run { recorder.texts == ["more"] })
            recorder.whenFinished = { _ in }
            plain.closeOutput()
            // With neither direction left, there is nothing to wait for.
            try #require(loop.run { recorder.reasons == [.closedByPeer] })
        }
    }

    @Test func `ends in the middle of a message with the usual reason`() throws {
        try withLoop { loop in
            let (plain, recorder) = (try PlainPair(), loop.recorder())
            PipeConnection.serve(try plain.accepted(), reactor: loop.reactor, delegate: recorder)
            plain.writeAll(Array(frame("cut off").dropLast(3)))
            plain.closeOutput()
            try #require(loop.run { recorder.reasons == [.truncatedByPeer(missingByteCount: 3)] })
        }
    }

    @Test(arguments: StreamKind.pairs)
    func `outlives a reader that is gone, without SIGPIPE`(kind: StreamKind) async {
        switch kind {
        case .pipes: await #expect(processExitsWith: .success) { try writeToNobody(.pipes) }
        case .fifos: await #expect(processExitsWith: .success) { try writeToNobody(.fifos) }
        default: await #expect(processExitsWith: .success) { try writeToNobody(.socketPairs) }
        }
    }

    @Test(arguments: StreamKind.pairs)
    func `leaves the flags of both as they were`(kind: StreamKind) throws {
        try withLoop { loop in
            let (plain, recorder) = (try PlainPair(kind), loop.recorder())
            let shared = [try duplicate(plain.ours.input), try duplicate(plain.ours.output)]
            let before = shared.map { fcntl($0, F_GETFL) }
            let connection = PipeConnection.serve(try plain.accepted(), reactor: loop.reactor, delegate: recorder)
            plain.writeAll(frame("hello"))
            try #require(loop.run { recorder.texts == ["hello"] })
            try connection.send("back")
            try #require(loop.poll { plain.hasReceived(8) })
            #expect(shared.map { fcntl($0, F_GETFL) } == before)
            #expect(before.allSatisfy { $0 & O_NONBLOCK == 0 })
            connection.close()
            try #require(loop.run { recorder.reasons == [.closedLocally] })
            #expect(shared.map { fcntl($0, F_GETFL) } == before)
            for number in shared { close(number) }
        }
    }

    @Test func `does the same on a terminal`() throws {
        try withLoop { loop in
            let (master, terminal) = try openTerminal()
            defer { close(master) }
            var settings = termios()
            unsafe cfmakeraw(&settings)
            try #require(unsafe tcsetattr(terminal, TCSANOW, &settings) == 0)
            let (shared, recorder) = (try duplicate(terminal), loop.recorder())
            defer { close(shared) }
            let before = fcntl(shared, F_GETFL)
            var configuration = PipeConnection.Configuration()
            configuration.framing = DelimiterFraming.newline
            let accepted = try AcceptedConnection(reading: terminal, writing: try duplicate(terminal))
            let connection = PipeConnection.serve(accepted, configuration, reactor: loop.reactor, delegate: recorder)
            #expect(unsafe write(master, "typed\n", 6) == 6)
            try #require(loop.run { recorder.texts == ["typed"] })
            // More than a terminal takes before it is read.
            let body = letters(100_000)
            try connection.send(body)
            var printed: [UInt8] = []
            var space = [UInt8](repeating: 0, count: 1 << 16)
            try #require(
                loop.poll {
                    let count = unsafe read(master, &space, space.count)
                    if count > 0 { printed += space[..<count] }
                    return printed.count == body.count + 1
                })
            #expect(printed == body + [0x0A])
            #expect(fcntl(shared, F_GETFL) == before && before & O_NONBLOCK == 0)
        }
    }

    @Test func `refuses a descriptor that is not open in its direction, and leaves both alone`() throws {
        let channel = try Channel(.pipes)
        defer { for number in [channel.input, channel.output] { close(number) } }
        expect(.notReadable(descriptor: channel.input)) {
            _ = try AcceptedConnection(reading: channel.input, writing: channel.input)
        }
        expect(.notWritable(descriptor: channel.output)) {
            _ = try AcceptedConnection(reading: channel.output, writing: channel.output)
        }
        expect(.notOpen(descriptor: 1 << 20)) {
            _ = try AcceptedConnection(reading: 1 << 20, writing: channel.input)
        }
        #expect(unsafe write(channel.input, "x", 1) == 1)
    }

    private func expect(_ problem: UnusableConnection, _ body: () throws -> Void) {
        let error = #expect(throws: PipeError.self, performing: body)
        #expect(error == .unusableConnection(problem))
    }

    @Test func `has no identity that a policy could admit, but for a policy that asks for none`() throws {
        try withLoop { loop in
            let (strict, refused) = try loop.server()
            let plain = try PlainPair()
            strict.adopt(try plain.accepted())
            try #require(loop.run { refused.refusals.count == 1 })
            #expect(refused.refusals.first?.refusal == .policy)
            #expect(refused.refusals.first?.peer == .unknown)
            try #require(loop.poll { plain.hasReachedEnd() })
            var configuration = PipeServer.Configuration()
            configuration.accessPolicy = .anyUser
            let (open, recorder) = try loop.server(configuration, at: .unique(prefix: "test"))
            let other = try PlainPair()
            open.adopt(try other.accepted())
            other.writeAll(frame("hello"))
            try #require(loop.run { recorder.texts == ["hello"] })
            #expect(try recorder.connections.first?.supplementaryGroupIDs() == [])
        }
    }
}

/// The two ends of a pseudo-terminal (pty(7)); Swift's Glibc lacks openpty(3).
private func openTerminal() throws -> (master: Int32, terminal: Int32) {
    let master = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    var (locked, number): (Int32, UInt32) = (0, 0)
    // TIOCSPTLCK, TIOCGPTN
    let isUnlocked = unsafe ioctl(master, 0x4004_5431, &locked) == 0 && ioctl(master, 0x8004_5430, &number) == 0
    try #require(isUnlocked)
    let terminal = unsafe open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(terminal >= 0)
    return (master, terminal)
}

private func writeToNobody(_ kind: StreamKind) throws {
    signal(SIGPIPE, SIG_DFL)
    try withLoop { loop in
        let (plain, recorder) = (try PlainPair(kind), loop.recorder())
        let connection = PipeConnection.serve(try plain.accepted(), reactor: loop.reactor, delegate: recorder)
        plain.closeInput()
        try connection.send("to nobody")
        try #require(loop.run { recorder.log.contains(.didFailSending) })
        #expect(connection.unsentMessageCount == 1)
        // The other direction goes on.
        plain.writeAll(frame("still here"))
        try #require(loop.run { recorder.texts == ["still here"] })
        plain.closeOutput()
        try #require(loop.run { recorder.reasons == [.closedByPeer] })
    }
    var disposition = sigaction()
    unsafe sigaction(SIGPIPE, nil, &disposition)
    #expect(unsafe disposition.__sigaction_handler.sa_handler == nil)
}

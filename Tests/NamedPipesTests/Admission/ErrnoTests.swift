// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

// HOSTILE 73. A filter belongs to one thread, so each errno gets a thread with a loop of its own, all in one process.

@Suite struct `73 · each errno that the kernel can give` {
    @Test func `for accept4 has the answer of the table, and the loop does not spin`() async {
        await #expect(processExitsWith: .success) {
            forEachErrno(acceptErrors) { code in try failAccept(with: code) }
        }
    }

    @Test func `for reading ends the one connection, typed`() async {
        await #expect(processExitsWith: .success) {
            forEachErrno(connectionErrors) { code in try failReading(with: code) }
        }
    }

    @Test func `for writing ends the one connection or its output, and is reported`() async {
        await #expect(processExitsWith: .success) {
            forEachErrno(connectionErrors) { code in try failWriting(with: code) }
        }
    }

    @Test func `for epoll_ctl ends the one connection, typed, whether it is new or waits for room`() async {
        await #expect(processExitsWith: .success) {
            for new in [true, false] {
                forEachErrno([ENOMEM, ENOSPC, EPERM, EINVAL, ELOOP]) { code in try failWatching(with: code, new: new) }
            }
        }
    }

    @Test func `for accept4 is in the table`() {
        for code in acceptErrors {
            let expected: AcceptFailure =
                switch code {
                case ECONNABORTED, EPROTO: .clientIsGone
                case EMFILE, ENFILE: .noDescriptor
                case EINVAL, EOPNOTSUPP, ENOSYS: .never
                default: .notNow
                }
            #expect(AcceptFailure(SystemError(call: "accept4", code: code)) == expected, "errno \(code)")
        }
    }

    @Test func `of a listener that another process has shut down ends the accepting, and is reported`() throws {
        let scratch = Scratch()
        let kept = ForeignSocket(at: try scratch.address())
        let copy = ListenEnvironment.Socket(descriptor: fcntl(kept.descriptor, F_DUPFD_CLOEXEC, 0), name: "shared")
        try withLoop { loop in
            let recorder = loop.recorder()
            let listener = try #require(try InheritedListener.listeners(at: [copy]).first)
            let server = try PipeServer(inheriting: listener, reactor: loop.reactor, delegate: recorder)
            let early = try RawPeer(connectingTo: scratch.address())
            try #require(loop.run { recorder.openCount == 1 })
            let waiting = try RawPeer(connectingTo: scratch.address())
            #expect(shutdown(kept.descriptor, Int32(SHUT_RD)) == 0)
            try #require(loop.run { recorder.acceptErrors == [SystemError(call: "accept4", code: EINVAL)] })
            #expect(recorder.openCount == 2, "the waiting client is accepted first")
            #expect(!server.isListening && !server.isStopped)
            #expect(loop.turnCount(in: .milliseconds(100)) < 10)
            early.writeAll(frame("still"))
            try #require(loop.run { recorder.texts == ["still"] })
            server.stop()
            try #require(loop.run { recorder.stopCount == 1 })
            withExtendedLifetime(waiting) {}
        }
    }
}

/// The errnos that accept(2) and the kernel's code name, and some that they do not.
private let acceptErrors = [
    EPERM, EIO, ENOMEM, EACCES, EINVAL, ENFILE, EMFILE, ENOSYS, EPROTO, EOPNOTSUPP, ENETDOWN, ECONNABORTED, ENOBUFS,
    ETIMEDOUT, EHOSTUNREACH, EDQUOT,
]

private let connectionErrors = [
    EPERM, EIO, ENOMEM, EACCES, EINVAL, ENOSYS, EPIPE, EOPNOTSUPP, ENOBUFS, ECONNRESET, ENOTCONN, ETIMEDOUT,
    ECONNREFUSED, EMSGSIZE, EDESTADDRREQ,
]

/// One after the other: a thread's filter ends with the thread.
private func forEachErrno(_ codes: [Int32], _ body: @escaping @Sendable (Int32) throws -> Void) {
    for code in codes {
        onThreads(1) { _ in
            do { try body(code) } catch { Issue.record(error, "errno \(code)") }
        }
    }
}

private func failAccept(with code: Int32) throws {
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        let early = try RawPeer(connectingTo: loop.address)
        try #require(loop.run { recorder.openCount == 1 })
        try #require(SystemCallFilter.fail(.accept4, with: code))
        let waiting = try RawPeer(connectingTo: loop.address)
        try #require(loop.run { !recorder.acceptErrors.isEmpty }, "errno \(code) is not told")
        #expect(Set(recorder.acceptErrors) == [SystemError(call: "accept4", code: code)])
        #expect(loop.turnCount(in: .milliseconds(100)) < 20, "errno \(code) spins")
        let isOver = AcceptFailure(SystemError(call: "accept4", code: code)) == .never
        #expect(server.isListening != isOver && !server.isStopped, "errno \(code)")
        #expect(
            loop.poll {
                waiting.readAll()
                return waiting.readErrors == (isOver ? [ECONNRESET] : []) && !waiting.isAtEnd
            }, "errno \(code)")
        early.writeAll(frame("still"))
        try #require(loop.run { recorder.texts == ["still"] })
        server.stop()
        try #require(loop.run { recorder.stopCount == 1 })
    }
}

private func failReading(with code: Int32) throws {
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        let peer = try RawPeer(connectingTo: loop.address)
        try #require(loop.run { recorder.openCount == 1 })
        try #require(SystemCallFilter.fail(.read, with: code))
        peer.writeAll(frame("never read"))
        try #require(loop.run { recorder.reasons.count == 1 }, "errno \(code) ends nothing")
        let reason = try #require(recorder.reasons.first)
        if code == ECONNRESET {
            #expect(reason == .resetByPeer)
        } else {
            guard case .system(let error) = reason else {
                Issue.record("errno \(code): \(reason)")
                return
            }
            #expect(error.code == code)
        }
        #expect(recorder.texts == [] && server.connectionCount == 0)
        #expect(loop.turnCount(in: .milliseconds(50)) < 10, "errno \(code) spins")
    }
}

private func failWriting(with code: Int32) throws {
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        let peer = try RawPeer(connectingTo: loop.address)
        try #require(loop.run { recorder.openCount == 1 })
        let connection = try #require(recorder.connections.first)
        try #require(SystemCallFilter.fail(.write, with: code))
        try connection.send("never written")
        try #require(loop.run { !connection.isOpen }, "errno \(code) is not noticed")
        #expect(throws: PipeError.notConnected(.ended)) { try connection.send("more") }
        #expect(loop.turnCount(in: .milliseconds(50)) < 10, "errno \(code) spins")
        peer.close()
        try #require(loop.run { recorder.reasons.count == 1 }, "errno \(code) ends nothing")
        #expect(server.connectionCount == 0 && recorder.unsentMessageCount <= 1)
    }
}

private func failWatching(with code: Int32, new: Bool) throws {
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        let early = try RawPeer(connectingTo: loop.address)
        try #require(loop.run { recorder.openCount == 1 })
        let next = dup(2)
        close(next)
        if new {
            try #require(SystemCallFilter.fail(.epollAdd(from: next), with: code))
            let late = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.reasons.count == 1 }, "errno \(code) is not noticed")
            withExtendedLifetime(late) {}
        } else {
            let full = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { recorder.openCount == 2 })
            try #require(SystemCallFilter.fail(.epollModify, with: code))
            let connection = try #require(recorder.connections.last)
            repeat {} while try connection.isOpen && connection.send(pattern(100_000)) == .accepted
            try #require(loop.run { recorder.reasons.count == 1 }, "errno \(code) is not noticed")
            withExtendedLifetime(full) {}
        }
        #expect(recorder.reasons == [.system(SystemError(call: "epoll_ctl", code: code))])
        #expect(server.connectionCount == 1)
        early.writeAll(frame("still"))
        try #require(loop.run { recorder.texts == ["still"] })
        #expect(loop.turnCount(in: .milliseconds(50)) < 10, "errno \(code) spins")
    }
}

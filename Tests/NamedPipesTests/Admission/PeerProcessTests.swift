// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite(.enabled(if: hasPython, "needs python3")) struct `The peer's process` {
    @Test func `18 · is pinned on demand, and is known to have ended`() throws {
        try withLoop { loop in
            let (_, recorder) = try loop.server()
            // So that the server does not notice the end of the peer.
            recorder.whenOpened = { $0.pauseReceiving() }
            let stranger = ForeignUser("peer.recv(1)", loop.address, privileges: nil)
            try #require(loop.poll { recorder.openCount == 1 })
            let connection = try #require(recorder.connections.first)
            let process = try connection.verifiedProcess()
            let processID = process.processID
            #expect(processID == stranger.processID && processID == connection.peer.processID)
            var isRunning = process.isRunning
            #expect(isRunning)
            let flags = fcntl(process.descriptor, F_GETFD)
            #expect(flags & FD_CLOEXEC != 0)
            try connection.send("go")
            #expect(stranger.finish(loop) == 0)
            isRunning = process.isRunning
            #expect(!isRunning)
            expectEnded(connection)
            connection.close()
            try #require(loop.run { recorder.reasons.count == 1 })
            #expect(throws: PipeError.notConnected(.ended)) { try isPeerRunning(connection) }
        }
    }

    @Test(.enabled(if: unsafe access(lastProcessID, W_OK) == 0, "needs root, to choose a process ID"))
    func `18 · that has ended is not taken for the one that got its number`() throws {
        try withLoop { loop in
            let (_, recorder) = try loop.server()
            // So that the server does not notice the end of the peer.
            recorder.whenOpened = { $0.pauseReceiving() }
            let stranger = ForeignUser("", loop.address, privileges: nil)
            try #require(loop.poll { recorder.openCount == 1 })
            #expect(stranger.finish(loop) == 0)
            let connection = try #require(recorder.connections.first)
            let successor = try #require(Self.process(numbered: stranger.processID))
            // The number is all that `peer` knows, and it now belongs to another running process.
            #expect(connection.peer.processID == successor && kill(successor, 0) == 0)
            expectEnded(connection)
            kill(successor, SIGKILL)
            var status: Int32 = 0
            #expect(unsafe waitpid(successor, &status, 0) == successor)
        }
    }

    @Test func `22 · is the one that connected, whichever process writes, with the user it had then`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            recorder.whenFinished = { _ in }
            let program = """
                if os.fork() == 0:
                    while os.getppid() == parent: pass
                    if os.geteuid() == 0: os.setresuid(65534, 65534, 65534)
                    peer.sendall(b'\\0\\0\\0\\5child')
                    peer.recv(1)
                    os._exit(0)
                """
            let stranger = ForeignUser("parent = os.getpid()\n" + program, loop.address, privileges: nil)
            #expect(stranger.finish(loop) == 0)
            try #require(loop.poll { recorder.texts == ["child"] })
            let connection = try #require(recorder.connections.first)
            #expect(connection.peer.userID == geteuid() && connection.peer.processID == stranger.processID)
            expectEnded(connection)
            #expect(server.statistics.refusedCount == 0)
        }
    }

    @Test func `19 · cannot be pinned without a descriptor, and nothing else suffers`() async {
        await #expect(processExitsWith: .success) { try pinWithoutDescriptor() }
    }

    /// Before Linux 6.16, the process is not even pinned.
    private func expectEnded(_ connection: PipeConnection) {
        do {
            let isRunning = try isPeerRunning(connection)
            #expect(!isRunning)
        } catch PipeError.peerProcessUnavailable(let error) {
            #expect(error.code == ENODATA || error.code == ESRCH || error.code == EINVAL)
        } catch {
            Issue.record(error)
        }
    }

    private static let lastProcessID = "/proc/sys/kernel/ns_last_pid"

    /// Starts a process with a chosen number. Others start processes as well, so that it may take several attempts.
    private static func process(numbered wanted: pid_t) -> pid_t? {
        for _ in 0..<1000 {
            let file = unsafe open(lastProcessID, O_WRONLY | O_CLOEXEC)
            let text = "\(wanted - 1)"
            _ = unsafe write(file, text, text.utf8.count)
            _ = close(file)
            let process = Child(["/bin/sleep", "60"]).process
            if process == wanted { return process }
            kill(process, SIGKILL)
            var status: Int32 = 0
            unsafe waitpid(process, &status, 0)
        }
        return nil
    }
}

/// Pins the process only while it asks.
func isPeerRunning(_ connection: PipeConnection) throws(PipeError) -> Bool {
    let process = try connection.verifiedProcess()
    return process.isRunning
}

private func pinWithoutDescriptor() throws {
    limitDescriptors(to: 256)
    try withLoop { loop in
        let raw = try RawClient(loop)
        let connection = try raw.accepted
        let hoard = Hoard()
        #expect(throws: PipeError.peerProcessUnavailable(SystemError(call: "getsockopt", code: EMFILE))) {
            try isPeerRunning(connection)
        }
        raw.peer.writeAll(frame("still"))
        try #require(loop.run { raw.recorder.texts == ["still"] })
        hoard.release()
        #expect(try isPeerRunning(connection))
    }
}

@Suite struct `The peer's own name` {
    @Test func `20 · with control characters appears in nothing that is printed`() throws {
        try withLoop { loop in
            let (_, recorder) = try loop.server()
            recorder.whenAsked = { _, _ in recorder.peers.count == 1 }
            var peers: [RawPeer] = []
            var texts: [String] = []
            recorder.whenRefused = { _, report in texts.append("\(report)") }
            recorder.whenOpened = { texts += ["\($0)", "\($0.peer)", "\($0.id)"] }
            recorder.whenClosed = { texts += ["\($0)", "\($1)"] }
            for number in 1...2 {
                let evil = SocketAddress(try .abstract("\u{1b}]0;evil\u{7}\r\nroot logged in \(number) \(getpid())"))
                let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
                try #require(unsafe evil.withUnsafePointer { unsafe bind(descriptor, $0, $1) } == 0)
                let server = SocketAddress(loop.address)
                try #require(unsafe server.withUnsafePointer { unsafe connect(descriptor, $0, $1) } == 0)
                peers.append(RawPeer(taking: descriptor))
            }
            try #require(loop.run { recorder.openCount == 1 && recorder.refusals.count == 1 })
            peers[0].write([0, 0, 0])
            peers.forEach { $0.close() }
            try #require(loop.run { recorder.reasons.count == 1 })
            #expect(texts.count == 6)
            for text in texts {
                #expect(text.utf8.allSatisfy { (0x20..<0x7f).contains($0) } && !text.contains("evil"))
            }
        }
    }
}

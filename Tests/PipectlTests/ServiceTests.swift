// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

private let python = "/usr/bin/python3"
private var hasPython: Bool { unsafe access(python, X_OK) == 0 }

/// What a service manager does with `echo` and `listen`: hand-over, sockets that it keeps, notifications.
@Suite(.timeLimit(.minutes(5)))
final class ServiceTests {
    let reactor: Reactor
    let path: String

    init() throws {
        reactor = try Reactor()
        path = try #require(try PipeAddress.unique(prefix: "pipectl-test").path)
    }

    deinit {
        reactor.stop()
        reactor.run()
        removeLeftovers(of: path)
    }

    @Test func `61 · --take-over gives the name to the new server, and the old one ends`() throws {
        let first = try serve(reactor, "echo", path)
        let second = try serve(reactor, "echo", path, "--take-over")
        #expect(first.waitForExit() == 0)
        #expect(first.text.contains("\(path) was taken over by process "))
        #expect(first.text.contains("stopped after 0 connections"))
        #expect(try run(reactor, "send", path, "--reply", "hello").lines == ["hello"])
        second.terminate()
        #expect(second.waitForExit() == 0)
        #expect(!leftovers(of: path).contains(URL(filePath: path).lastPathComponent))
    }

    @Test func `61 · without --take-over a server that has the name keeps it`() throws {
        let first = try serve(reactor, "listen", path)
        let second = try run(reactor, "listen", path)
        #expect(second.status == 1)
        #expect(second.lines.first?.contains("belongs to a running server") == true)
        withExtendedLifetime(first) {}
    }

    @Test func `61 · a server that is stopped (SIGSTOP) is given up after a while, and keeps its name`() throws {
        let first = try serve(reactor, "echo", path)
        first.suspend()
        let second = try run(reactor, "echo", path, "--take-over")
        #expect(second.status == 3)
        #expect(second.lines.first?.contains("was not given up in time by its server, process ") == true)
        first.signal(SIGCONT)
        #expect(try run(reactor, "send", path, "--reply", "hello").lines == ["hello"])
    }

    @Test func `readiness and the end are reported to the service manager`() throws {
        let manager = "\(path).manager"
        let socket = try #require(NotifySocket(at: manager))
        let server = try Tool(reactor, ["echo", path], assignment: "NOTIFY_SOCKET='\(manager)'")
        server.waitFor("listening on ")
        #expect(socket.message(reactor) == "READY=1\nSTATUS=listening on \(path)")
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(socket.message(reactor) == "STOPPING=1")
    }

    @Test func `a missing manager does not keep it from serving`() throws {
        let server = try Tool(reactor, ["echo", path], assignment: "NOTIFY_SOCKET='\(path).nobody'")
        server.waitFor("the service manager was not notified: ")
        #expect(try run(reactor, "send", path, "--reply", "hello").lines == ["hello"])
    }

    @Test func `15 · --inherit without a socket is reported, and allows no address beside it`() throws {
        #expect(
            try run(reactor, "echo", "--inherit").lines == [
                "pipectl: 0 sockets handed over (LISTEN_FDS), but one is needed"
            ])
        #expect(try run(reactor, "echo", path, "--inherit").status == 2)
        #expect(try run(reactor, "listen", "--inherit", "--take-over").status == 2)
        #expect(try run(reactor, "listen").status == 2)
    }

    /// A service manager in twenty lines: it keeps the listener, and starts the server again whenever it was killed,
    /// while a client connects and gets an answer each time.
    @Test(.enabled(if: hasPython, "needs python3 to make sockets for children"))
    func `62 · a server that is killed and started again behind a kept listener refuses no client`() throws {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "pipectl").path
        let script = """
            import os, signal, socket, struct, sys
            path, program = sys.argv[1:]
            listener = socket.socket(socket.AF_UNIX); listener.bind(path); listener.listen(64)
            def start():
                pid = os.fork()
                if pid: return pid
                os.dup2(listener.fileno(), 3)
                os.set_inheritable(3, True)
                os.dup2(2, 1)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='pipe')
                os.execv(program, [program, 'echo', '--inherit'])
            answered = refused = 0
            for round in range(8):
                # Before there is a server: in the queue that the manager keeps.
                try:
                    client = socket.socket(socket.AF_UNIX); client.settimeout(30); client.connect(path)
                    client.sendall(struct.pack('>I', 4) + b'ping')
                except OSError: refused += 1
                pid = start()
                answered += client.recv(8) == struct.pack('>I', 4) + b'ping'
                os.kill(pid, signal.SIGKILL if round % 2 else signal.SIGTERM)
                os.waitpid(pid, 0)
            print('answered', answered, 'refused', refused, 'there', os.path.exists(path))
            """
        let manager = try Tool(reactor, command: [python, "-S", "-c", script, path, program], errors: .dropped)
        #expect(manager.waitForExit() == 0)
        #expect(manager.lines == ["answered 8 refused 0 there True"])
    }
}

/// The socket at which a service manager listens (`sd_notify(3)`).
private final class NotifySocket {
    private let descriptor: Int32

    init?(at path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, size) }
        }
        guard result == 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// The next message; runs the loop until there is one.
    func message(_ reactor: Reactor) -> String? {
        var text: String?
        let ticks = reactor.schedule(after: .zero, repeating: .milliseconds(1)) {}
        defer { ticks.cancel() }
        reactor.run(timeout: deadline) {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
            if count >= 0 { text = String(decoding: bytes.prefix(count), as: UTF8.self) }
            return text != nil
        }
        return text
    }
}

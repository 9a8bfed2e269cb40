// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

/// Sockets that another program made. A copy stands for the one that a service manager keeps.
@Suite struct `An inherited listener` {
    private let scratch = Scratch()

    private func copy(_ descriptor: Int32) -> ListenEnvironment.Socket {
        let copy = dup(descriptor)
        #expect(copy >= 0 && fcntl(copy, F_GETFD) == 0, "as it is inherited: not closed on exec")
        return ListenEnvironment.Socket(descriptor: copy, name: "web")
    }

    private func problem(with descriptor: Int32) -> InvalidInheritedListener? {
        do throws(PipeError) {
            _ = try InheritedListener.listeners(at: [.init(descriptor: descriptor, name: "x")])
        } catch {
            if case .inheritedListener(let problem) = error { return problem }
            Issue.record(error)
        }
        return nil
    }

    @Test func `15 · is served, and its name is never removed`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let kept = ForeignSocket(at: address)
            let listener = try #require(try InheritedListener.listeners(at: [copy(kept.descriptor)]).first)
            #expect(listener.name == "web")
            #expect(listener.address == address)
            let recorder = loop.recorder()
            let server = try PipeServer(inheriting: listener, reactor: loop.reactor, delegate: recorder)
            let (client, _) = loop.client(to: address)
            client.whenConnected(loop) { _ = try? client.send("hello") }
            #expect(loop.run { recorder.texts == ["hello"] })
            #expect(scratch.names == ["pipe"], "no lock: the name is the manager's")
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(scratch.names == ["pipe"])
            #expect(connecting(to: address) == 0, "a client that connects now waits for the next start")
        }
    }

    @Test func `15 · does not block, is not inherited any further, and takes no descriptors`() throws {
        let kept = ForeignSocket(at: try scratch.address())
        let socket = copy(kept.descriptor)
        #expect(fcntl(kept.descriptor, F_SETFL, 0) == 0)
        let listener = try #require(try InheritedListener.listeners(at: [socket]).first)
        #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK != 0)
        let name = try PublishedName(listener)
        var value: Int32 = -1
        var size = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(socket.descriptor, SOL_SOCKET, 83, &value, &size)
        #expect(name.passesNoRights == (result == 0 && value == 0))
    }

    @Test func `15 · at an abstract name keeps it`() throws {
        let address = try PipeAddress.abstract("inherited-test-\(UInt64.random(in: .min ... .max))")
        let kept = ForeignSocket(at: address)
        let listener = try #require(try InheritedListener.listeners(at: [copy(kept.descriptor)]).first)
        #expect(listener.address == address)
        try PublishedName(listener).close()
        #expect(connecting(to: address) == 0)
    }

    @Test func `15 · is refused if it is not a listener`() throws {
        let file = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let datagrams = ForeignSocket(at: try scratch.address("d"), SOCK_DGRAM, listening: false)
        let packets = ForeignSocket(at: try scratch.address("s"), SOCK_SEQPACKET)
        let bound = ForeignSocket(at: try scratch.address("b"), listening: false)
        let (left, right) = try RawPeer.pair()
        for descriptor in [file, tcp, datagrams.descriptor, packets.descriptor] {
            #expect(problem(with: descriptor) == .notALocalStream(descriptor: descriptor))
        }
        for descriptor in [bound.descriptor, left.descriptor, right.descriptor] {
            #expect(problem(with: descriptor) == .notListening(descriptor: descriptor))
        }
        #expect(problem(with: 1_000_000) == .notOpen(descriptor: 1_000_000))
        close(file)
        close(tcp)
    }

    /// A listener at a name of bytes, as its maker spelled it.
    private func listener(at name: [UInt8]) -> ForeignSocket {
        let socket = ForeignSocket()
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in unsafe path.copyBytes(from: name) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket.descriptor, $0, socklen_t(2 + name.count))
            }
        }
        #expect(result == 0)
        #expect(listen(socket.descriptor, 16) == 0)
        return socket
    }

    private func address(of descriptor: Int32) throws -> PipeAddress {
        try #require(try InheritedListener.listeners(at: [copy(descriptor)]).first).address
    }

    @Test(arguments: ["pipe", String(repeating: "n", count: 60)])
    func `76 · made by a server of this library has the name that was published`(_ name: String) throws {
        let published = try publish(scratch.address(name))
        let descriptor = try #require(published.listener)
        #expect(try address(of: descriptor) == scratch.address(name))
        // And the name that it was bound to, where the published one belongs to another by now.
        #expect(unsafe rename(scratch.path(name), scratch.path("away")) == 0)
        leaveStaleSocket(at: try scratch.address(name))
        #expect(try address(of: descriptor).path == scratch.path(".\(name).tmp"))
    }

    @Test(arguments: ["//pipe", "/a/../pipe", "/./pipe"])
    func `15 · in another spelling has the usual one`(_ rest: String) throws {
        makeDirectory(scratch.path("a"))
        let kept = listener(at: Array("\(scratch.path)\(rest)".utf8))
        #expect(try address(of: kept.descriptor) == scratch.address())
        // Where the file is gone, the name is unknown.
        #expect(unsafe unlink(scratch.path("pipe")) == 0)
        let shown = try address(of: kept.descriptor)
        #expect(shown.kind == .other && shown.description == "\(scratch.path)\(rest)" && shown.path == nil)
    }

    @Test func `15 · at a relative name has that of the directory, if it is there`() throws {
        let name = "named-pipes-test-\(UInt64.random(in: .min ... .max))"
        let kept = listener(at: Array(name.utf8))
        let found = try address(of: kept.descriptor)
        #expect(found.path?.hasSuffix("/\(name)") == true)
        #expect(try FileStatus(of: #require(found.path)).kind == .socket)
        #expect(unsafe unlink(name) == 0)
        let shown = try address(of: kept.descriptor)
        #expect(shown.kind == .other && shown.description == name)
    }

    @Test(arguments: [true, false])
    func `15 · at a name that is not UTF-8 is served, and shown as far as possible`(_ isAbstract: Bool) throws {
        try withLoop { loop in
            let random = String(UInt64.random(in: .min ... .max))
            let name = isAbstract ? [0] + Array(random.utf8) : Array(scratch.path(random).utf8)
            let kept = listener(at: name + [0xFF, 0x0A])
            let inherited = try #require(try InheritedListener.listeners(at: [copy(kept.descriptor)]).first)
            let shown = isAbstract ? "@\(random)" : scratch.path(random)
            #expect(inherited.address.kind == .other)
            #expect(inherited.address.description == "\(shown)\\xFF\\u{A}")
            let recorder = loop.recorder()
            let server = try PipeServer(inheriting: inherited, reactor: loop.reactor, delegate: recorder)
            #expect(server.address == inherited.address)
            let client = ForeignSocket()
            #expect(client.connect(to: SocketAddress(name: name + [0xFF, 0x0A])) == 0)
            #expect(loop.run { recorder.openCount == 1 })
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
        }
    }

    @Test func `15 · whose name can only be shown is no address to connect to or to publish`() throws {
        let kept = listener(at: Array(scratch.path("caf").utf8) + [0xE9])
        let shown = try address(of: kept.descriptor)
        #expect(throws: PipeError.invalidAddress(.notAbsolute(path: shown.description))) { try publish(shown) }
        #expect(ForeignSocket().connect(to: SocketAddress(shown)) == EINVAL)
    }

    @Test func `15 · that is valid does not reach a child because another one is not`() throws {
        let kept = ForeignSocket(at: try scratch.address())
        let socket = copy(kept.descriptor)
        let missing = ListenEnvironment.Socket(descriptor: 1_000_000, name: "x")
        #expect(throws: PipeError.inheritedListener(.notOpen(descriptor: 1_000_000))) {
            try InheritedListener.listeners(at: [socket, missing])
        }
        #expect(fcntl(socket.descriptor, F_GETFD) == FD_CLOEXEC)
        close(socket.descriptor)
    }

    @Test func `15 · is removed from the environment, whether it is for this process or not`() async {
        await #expect(processExitsWith: .success) {
            for (pid, fds, problem) in [
                ("\(getpid())", "0", nil), ("1", "1", nil), ("\(getpid())", "x", InvalidListenEnvironment.count),
            ] {
                unsafe setenv("LISTEN_PID", pid, 1)
                unsafe setenv("LISTEN_FDS", fds, 1)
                unsafe setenv("LISTEN_FDNAMES", "", 1)
                do throws(PipeError) {
                    let listeners = try InheritedListener.all()
                    #expect(listeners.isEmpty)
                    #expect(problem == nil)
                } catch {
                    #expect(error == problem.map { .inheritedListener(.environment($0)) })
                }
                for variable in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
                    #expect(unsafe getenv(variable) == nil)
                }
                let later = try InheritedListener.named("web")
                #expect(later.isEmpty)
            }
        }
    }

    @Test func `15 · that was not requested by its name stays open for the next request`() throws {
        let control = ForeignSocket(at: try scratch.address("c"))
        let data = ForeignSocket(at: try scratch.address("d"))
        let sockets = [("control", control.descriptor), ("data", data.descriptor), ("data", data.descriptor)]
            .map { ListenEnvironment.Socket(descriptor: fcntl($1, F_DUPFD_CLOEXEC, 0), name: $0) }
        let waiting = WaitingListeners()
        waiting.add(try InheritedListener.listeners(at: sockets))
        let first = waiting.giveOut { $0.name == "control" }
        #expect(try first.map(\.address) == [scratch.address("c")])
        #expect(fcntl(sockets[1].descriptor, F_GETFD) == FD_CLOEXEC, "still open")
        let second = waiting.giveOutFirst { $0.name == "data" }
        #expect(try second?.address == scratch.address("d"))
        let again = waiting.giveOut { $0.name == "control" }
        let rest = waiting.giveOut { _ in true }
        #expect(again.isEmpty && rest.map(\.name) == ["data"], "each is given out once")
        let none = waiting.giveOutFirst { _ in true }
        #expect(none == nil)
        withExtendedLifetime((control.descriptor, data.descriptor)) {}
    }

    @Test func `15 · makes one server, and can be tried again where none came about`() throws {
        let address = try scratch.address()
        let kept = ForeignSocket(at: address)
        let listener = try #require(try InheritedListener.listeners(at: [copy(kept.descriptor)]).first)
        // On a thread of its own, whose epoll takes nothing.
        onThreads(1) { _ in
            let failure = #expect(throws: PipeError.self) {
                try withLoop { loop in
                    try #require(SystemCallFilter.fail(.epollAdd(from: 0), with: ENOSPC))
                    _ = try PipeServer(inheriting: listener, reactor: loop.reactor, delegate: loop.recorder())
                }
            }
            #expect(failure == .system(SystemError(call: "epoll_ctl", code: ENOSPC)))
        }
        try withLoop { loop in
            let recorder = loop.recorder()
            let server = try PipeServer(inheriting: listener, reactor: loop.reactor, delegate: recorder)
            #expect(throws: PipeError.inheritedListener(.alreadyServed(name: "web"))) {
                try PipeServer(inheriting: listener, reactor: loop.reactor, delegate: loop.recorder())
            }
            let client = try RawPeer(connectingTo: address)
            client.writeAll(frame("hello"))
            #expect(loop.run { recorder.texts == ["hello"] })
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
        }
    }

    @Test func `62 · refuses no connect while its servers come and go`() throws {
        let address = try scratch.address()
        let kept = ForeignSocket(at: address)
        let clients = Hammer(address, threads: 1, wantsAnswers: false)
        for _ in 0..<30 {
            let server = try NeighbourServer(inheriting: copy(kept.descriptor))
            let count = clients.connectCount
            #expect(waitUntil { clients.connectCount > count + 20 })
            server.perform { $0.stop() }
            #expect(waitUntil { server.hasStopped })
        }
        #expect(clients.stop() == [:], "in \(clients.connectCount) connects")
        print("62 · 30 restarts below a kept listener, \(clients.connectCount) connects, refused: 0")
    }
}

extension PipeClient {
    /// Runs the loop until the client is connected, then does something.
    fileprivate func whenConnected(_ loop: Loop, _ body: () -> Void) {
        if loop.run({ state == .connected }) { body() }
    }
}

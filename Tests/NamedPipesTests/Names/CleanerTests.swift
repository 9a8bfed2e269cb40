// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

/// Other programs that remove, rename and replace the files of a live server.
@Suite struct `A cleaner of old files` {
    private let scratch = Scratch()

    private var files: [String] { [scratch.path("pipe"), scratch.path(".pipe.lock")] }

    private func age(_ path: String) {
        var times = [timespec(tv_sec: time(nil) - 40 * 86_400, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        times[1] = times[0]
        unsafe #expect(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0)
    }

    private func isOld(_ path: String) -> Bool {
        FileStatus.following(path).map { time(nil) - $0.oldestUse >= Upkeep.ageLimit } ?? false
    }

    @Test(arguments: [mode_t(0o022), 0o777])
    func `76 · is told by the sticky bit to spare socket and lock, whose permissions stay exact`(_ mask: mode_t) {
        let path = scratch.path
        withUmask(mask) {
            for mode: UInt16 in [0o600, 0o660, 0o666] {
                do {
                    let name = try publish(.path("\(path)/pipe"), .mode(mode))
                    #expect(try FileStatus(of: "\(path)/pipe").mode == 0o1000 | UInt32(mode))
                    #expect(try FileStatus(of: "\(path)/.pipe.lock").mode == 0o1600)
                    name.close()
                } catch {
                    Issue.record(error)
                }
            }
        }
    }

    @Test func `76 · such as systemd-tmpfiles obeys`() throws {
        let cleaner = "/usr/bin/systemd-tmpfiles"
        guard unsafe access(cleaner, X_OK) == 0 else { try Test.cancel("there is no systemd-tmpfiles here") }
        makeDirectory(scratch.path("run"), mode: 0o755)
        // No server looks after this name, so its times stay old.
        let name = try publish(scratch.address("run/pipe"))
        makeFile(scratch.path("run/forgotten"))
        for file in [scratch.path("run/pipe"), scratch.path("run/.pipe.lock"), scratch.path("run/forgotten")] {
            age(file)
        }
        makeFile(scratch.path("t.conf"), text: "d \(scratch.path("run")) 0755 - - 0\n")
        Child.run(cleaner, "--clean", scratch.path("t.conf"))
        #expect(namesIn(scratch.path("run")) == [".pipe.lock", "pipe"])
        #expect(connecting(to: try scratch.address("run/pipe")) == 0)
        name.close()
    }

    @Test func `76 · that goes by age alone finds young files`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server(at: scratch.address())
            loop.settle()
            // One after the other, as two programs would.
            for file in files {
                age(file)
                #expect(loop.run { !isOld(file) })
            }
            #expect(recorder.losses == [])
            // Not again at once: on a file system without times, that would keep the loop busy.
            for file in files { age(file) }
            loop.settle()
            #expect(files.allSatisfy(isOld))
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
        }
    }

    @Test(arguments: ["removed", "renamed", "replaced"])
    func `76 · that removes a lock finds it put back, with the right to the name`(_ what: String) throws {
        try withLoop { loop in
            let address = try scratch.address()
            let lock = scratch.path(".pipe.lock")
            let (server, recorder) = try loop.server(at: address)
            loop.settle()
            for _ in 0..<3 {
                switch what {
                case "removed": #expect(unsafe unlink(lock) == 0)
                case "renamed": #expect(unsafe rename(lock, scratch.path("moved")) == 0)
                default:
                    makeFile(scratch.path("other"))
                    #expect(unsafe rename(scratch.path("other"), lock) == 0)
                }
                #expect(loop.run { LockRecord(at: lock).runningProcessID == getpid() })
                #expect(throws: PipeError.addressInUse(address, holder: getpid())) { try publish(address) }
            }
            #expect(server.isPublished && recorder.losses == [])
            // And the lock is handed over as before.
            try expectTakeOver(of: address, on: loop, recorder, losses: [.takenOver(processID: getpid())])
        }
    }

    @Test func `76 · that has removed socket and lock lets another server start, which the first leaves alone`() throws
    {
        try withLoop { loop in
            let address = try scratch.address()
            let (server, recorder) = try loop.server(at: address)
            loop.settle()
            for file in files { #expect(unsafe unlink(file) == 0) }
            #expect(loop.run { recorder.losses == [.removed] })
            let other = try publish(address)
            loop.settle()
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(other.isInPlace)
            #expect(connecting(to: address) == 0)
        }
    }

    @Test func `76 · cannot prevent a hand-over`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let (_, recorder) = try loop.server(at: address)
            loop.settle()
            #expect(unsafe unlink(scratch.path("pipe")) == 0)
            #expect(loop.run { recorder.losses == [.removed] })
            try expectTakeOver(of: address, on: loop, recorder, losses: [.removed, .takenOver(processID: getpid())])
        }
    }

    @Test(arguments: [PipeServer.NameLossPolicy.report, .republish])
    func `76 · that comes just before a successor does not prevent its hand-over`(_ policy: PipeServer.NameLossPolicy)
        throws
    {
        try withLoop { loop in
            let address = try scratch.address()
            var configuration = PipeServer.Configuration()
            configuration.nameLoss = policy
            let (_, recorder) = try loop.server(configuration, at: address)
            loop.settle()
            let start = Start { try NeighbourServer.successor(at: address) }
            // The server meets the loss and the candidate in one look.
            #expect(waitUntil { start.hasEnded || Candidate.exists(at: scratch.path(".pipe.lock")) })
            #expect(unsafe unlink(scratch.path("pipe")) == 0)
            try expectTakeOver(of: address, on: loop, recorder, losses: [.takenOver(processID: getpid())], by: start)
        }
    }
}

@Suite struct `A foreign socket in the name's place` {
    private let scratch = Scratch()

    @Test func `76 · is no obstacle to a successor once it is dead`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let (_, recorder) = try loop.server(at: address)
            loop.settle()
            leaveStaleSocket(at: try scratch.address("other"))
            #expect(unsafe rename(scratch.path("other"), scratch.path("pipe")) == 0)
            #expect(loop.run { recorder.losses == [.replaced] })
            let start = Start { try NeighbourServer.successor(at: address) }
            #expect(loop.poll { start.hasEnded })
            let successor = try start.get()
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(connecting(to: address) == 0)
            withExtendedLifetime(successor) {}
        }
    }

    @Test func `76 · is not taken for the predecessor's as long as it lives`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let (server, recorder) = try loop.server(at: address)
            loop.settle()
            let foreign = ForeignSocket(at: try scratch.address("other"))
            #expect(unsafe rename(scratch.path("other"), scratch.path("pipe")) == 0)
            #expect(loop.run { recorder.losses == [.replaced] })
            let start = Start { try NeighbourServer.successor(at: address) }
            #expect(loop.poll { start.hasEnded })
            #expect(throws: PipeError.addressInUse(address, holder: getpid())) { try start.get() }
            #expect(acceptsClient(foreign.descriptor), "the question who it is")
            #expect(connecting(to: address) == 0)
            #expect(acceptsClient(foreign.descriptor))
            loop.settle()
            #expect(server.isListening && recorder.losses == [.replaced])
            #expect(loop.poll { LockRecord(at: scratch.path(".pipe.lock")).runningProcessID == getpid() })
        }
    }

    @Test func `76 · that comes alive between the look and the publishing keeps the name`() throws {
        let address = try scratch.address()
        leaveStaleSocket(at: address)
        var file = try SocketFile.claim(address, NameClaim(backlog: 16))
        let foreign = ForeignSocket(at: try scratch.address("other"))
        #expect(unsafe rename(scratch.path("other"), scratch.path("pipe")) == 0)
        let socket = try NamingSocket.make()
        do {
            try file.place(socket, permissions: .ownerOnly, backlog: 16)
            Issue.record("a live server was displaced")
        } catch {
            #expect(error == .addressInUse(address, holder: getpid()))
        }
        #expect(acceptsClient(foreign.descriptor), "the question who it is")
        #expect(connecting(to: address) == 0)
        #expect(acceptsClient(foreign.descriptor))
        #expect(scratch.names == [".pipe.lock", "pipe"])
    }
}

@Suite struct `The remains of a killed server` {
    private let scratch = Scratch()

    @Test(arguments: [true, false])
    func `76 · may have the last inode, which its successor takes, except from a live one`(_ isStale: Bool) throws {
        guard geteuid() == 0,
            Child.run("/bin/mount", "-t", "tmpfs", "-o", "nr_inodes=3,mode=0700", "tmpfs", scratch.path) == 0
        else {
            try Test.cancel("mounting a file system is not possible here")
        }
        defer { Child.run("/bin/umount", "-l", scratch.path) }
        let address = try scratch.address()
        makeFile(scratch.path(".pipe.lock"), text: "")
        guard isStale else {
            let foreign = ForeignSocket(at: address)
            #expect(throws: PipeError.addressInUse(address, holder: getpid())) { try publish(address) }
            #expect(connecting(to: address) == 0)
            withExtendedLifetime(foreign.descriptor) {}
            return
        }
        leaveStaleSocket(at: address)
        let name = try publish(address)
        #expect(connecting(to: address) == 0)
        #expect(scratch.names == [".pipe.lock", "pipe"])
        name.close()
    }
}

@Suite struct `The name that others see` {
    private let scratch = Scratch()

    /// The name that a client is told (getpeername(2)), and with it ss(8) and lsof(8).
    private func shownName(_ address: PipeAddress) throws -> String? {
        let client = ForeignSocket()
        #expect(client.connect(to: SocketAddress(address)) == 0)
        var storage = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getpeername(client.descriptor, $0, &length)
            }
        }
        try #require(result == 0)
        let bytes = unsafe withUnsafeBytes(of: storage.sun_path) { unsafe Array($0.prefix { $0 != 0 }) }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `76 · is the temporary one in its own directory`() throws {
        let name = try publish(scratch.address())
        #expect(try shownName(scratch.address()) == scratch.path(".pipe.tmp"))
        name.close()
    }

    @Test func `76 · goes by way of /proc where that does not fit, or need not lead there`() throws {
        let deep = String(repeating: "d", count: 80)
        makeDirectory(scratch.path(deep))
        let long = try publish(scratch.address("\(deep)/p"))
        #expect(try shownName(scratch.address("\(deep)/p"))?.hasPrefix("/proc/self/fd/") == true)
        long.close()
        makeDirectory(scratch.path("open"), mode: 0o777)
        let open = try publish(scratch.address("open/p"), allowsInsecureDirectory: true)
        #expect(try shownName(scratch.address("open/p"))?.hasPrefix("/proc/self/fd/") == true)
        open.close()
    }
}

extension LockRecord {
    fileprivate init(at path: String) { self.init(parsing: Array((contents(of: path) ?? "").utf8)) }
}

extension Candidate {
    /// Whether another process is one.
    fileprivate static func exists(at lockPath: String) -> Bool {
        let file = OwnedDescriptor(taking: unsafe open(lockPath, O_RDWR | O_CLOEXEC))
        return Candidacy.exists(for: file)
    }
}

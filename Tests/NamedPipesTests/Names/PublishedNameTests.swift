// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import NamedPipes

@Suite struct `A published name` {
    private let scratch = Scratch()

    @Test func `can be connected to when publishing returns`() throws {
        let name = try publish(scratch.address())
        #expect(connecting(to: try scratch.address()) == 0)
        #expect(name.isInPlace)
        #expect(scratch.names == [".pipe.lock", "pipe"])
    }

    @Test func `has a listener that is non-blocking and not inherited`() throws {
        let name = try publish(scratch.address())
        let listener = try #require(name.listener)
        #expect(fcntl(listener, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(listener, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func `can be 107 bytes long`() throws {
        let room = 107 - scratch.path.utf8.count - 1
        let first = try scratch.address(String(repeating: "a", count: room))
        let second = try scratch.address(String(repeating: "a", count: room - 1) + "b")
        let names = (try publish(first), try publish(second))
        #expect(connecting(to: first) == 0 && connecting(to: second) == 0)
        withExtendedLifetime(names) {}
    }

    @Test func `has a temporary name that fits behind the proc path, whatever its length`() {
        for count in 1...106 {
            let name = SocketFile.temporaryName(for: String(repeating: "é", count: count / 2) + "x")
            #expect(name.utf8.count <= SocketAddress.maximumNameByteCount)
        }
        let names = (0..<100).map { SocketFile.temporaryName(for: String(repeating: "a", count: 100) + "\($0)") }
        #expect(Set(names).count == 100)
    }

    @Test func `refuses descriptors where the kernel can`() throws {
        let name = try publish(scratch.address())
        var value: Int32 = -1
        var size = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(try #require(name.listener), SOL_SOCKET, 83, &value, &size)
        #expect(name.passesNoRights == (result == 0 && value == 0))
        #expect(name.passesNoRights || errno == ENOPROTOOPT)
    }

    @Test func `ends with its lock and its listener when it is released`() throws {
        var name: PublishedName? = try publish(scratch.address())
        #expect(name?.isInPlace == true)
        name = nil
        #expect(scratch.names == [".pipe.lock"])
        _ = try publish(scratch.address())
    }

    @Test func `ends in two steps: no new clients, then no listener`() throws {
        let address = try scratch.address()
        let name = try publish(address)
        let client = ForeignSocket()
        #expect(client.connect(to: SocketAddress(address)) == 0)
        name.removeName()
        #expect(connecting(to: address) == ENOENT)
        #expect(!name.isInPlace)
        #expect(acceptsClient(try #require(name.listener)), "a client that was waiting can still be accepted")
        #expect(!acceptsClient(try #require(name.listener)))
        name.close()
        #expect(name.listener == nil)
    }

    @Test func `can end any number of times`() throws {
        let name = try publish(scratch.address())
        name.removeName()
        name.removeName()
        name.close()
        name.removeName()
        name.close()
        #expect(name.listener == nil)
    }

    @Test func `12 · is not removed if a successor has it already`() throws {
        let address = try scratch.address()
        let name = try publish(address)
        leaveStaleSocket(at: try scratch.address("successor"))
        #expect(unsafe rename(scratch.path("successor"), scratch.path("pipe")) == 0)
        #expect(!name.isInPlace)
        name.close()
        #expect(scratch.names == [".pipe.lock", "pipe"])
    }

    @Test func `12 · belongs to the successor that started while the predecessor empties its queue`() throws {
        let address = try scratch.address()
        let old = try publish(address)
        old.removeName()
        let new = try publish(address)
        old.close()
        #expect(new.isInPlace)
        #expect(connecting(to: address) == 0)
    }

    @Test func `13 · that was deleted or replaced is noticed`() throws {
        let name = try publish(scratch.address())
        #expect(unsafe unlink(scratch.path("pipe")) == 0)
        #expect(!name.isInPlace)
        makeFile(scratch.path("pipe"))
        #expect(!name.isInPlace)
        name.close()
        #expect(contents(of: scratch.path("pipe")) == "precious")
    }

    @Test func `keeps its place when its directory is moved away`() throws {
        makeDirectory(scratch.path("a"))
        let name = try publish(scratch.address("a/pipe"))
        #expect(unsafe rename(scratch.path("a"), scratch.path("b")) == 0)
        makeDirectory(scratch.path("a"))
        makeFile(scratch.path("a/pipe"))
        name.close()
        #expect(namesIn(scratch.path("b")) == [".pipe.lock"])
        #expect(contents(of: scratch.path("a/pipe")) == "precious")
    }

    @Test(arguments: [mode_t(0), 0o022, 0o077, 0o777])
    func `11 · has exactly its mode under every umask`(_ mask: mode_t) throws {
        let path = scratch.path
        withUmask(mask) {
            for mode: UInt16 in [0o600, 0o660, 0o666, 0o622, 0o200] {
                do {
                    let name = try publish(.path("\(path)/pipe"), .mode(mode))
                    #expect(try FileStatus(of: "\(path)/pipe").mode & 0o777 == UInt32(mode))
                    name.close()
                } catch {
                    Issue.record(error)
                }
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func `belongs to the user that it is given to, and is taken over after a crash`() throws {
        let address = try scratch.address()
        let permissions = SocketPermissions.mode(0o640, owner: 65533, group: 65534)
        for _ in 0..<2 {
            let name = try publish(address, permissions)
            var status = stat()
            #expect(unsafe stat(scratch.path("pipe"), &status) == 0)
            #expect(status.st_uid == 65533 && status.st_gid == 65534)
            #expect(status.st_mode & 0o777 == 0o640)
            name.close()
            leaveStaleSocket(at: address)
            #expect(unsafe chown(scratch.path("pipe"), 65533, 65534) == 0)
        }
        #expect(throws: PipeError.unusableLocation(path: scratch.path("pipe"), .foreignOwner(65533))) {
            try publish(address)
        }
    }

    @Test func `belongs to the group that it is given to`() throws {
        let group: UInt32 = geteuid() == 0 ? 65534 : getegid()
        let name = try publish(scratch.address(), .group(group))
        var status = stat()
        #expect(unsafe stat(scratch.path("pipe"), &status) == 0)
        #expect(status.st_gid == group)
        #expect(status.st_mode & 0o777 == 0o660)
        withExtendedLifetime(name) {}
    }

    @Test func `in the abstract namespace has no file, one owner, and ends with its listener`() throws {
        let address = try PipeAddress.abstract("door-test-\(UInt64.random(in: .min ... .max))")
        let name = try publish(address)
        #expect(connecting(to: address) == 0)
        #expect(throws: PipeError.addressInUse(address, holder: getpid())) { try publish(address) }
        name.removeName()
        #expect(name.isInPlace)
        name.close()
        #expect(!name.isInPlace)
        waitUntilDead(address)
        _ = try publish(address)
    }
}

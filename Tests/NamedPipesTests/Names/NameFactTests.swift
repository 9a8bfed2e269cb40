// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import NamedPipes

/// The facts that the recipe relies on, tested on this machine's kernel, so that a different kernel shows.
@Suite struct `Facts about names` {
    private let scratch = Scratch()

    @Test func `connect is refused alike by a stale socket, a file, a directory and one that does not listen`() throws {
        leaveStaleSocket(at: try scratch.address("stale"))
        makeFile(scratch.path("file"))
        makeDirectory(scratch.path("directory"))
        let bound = ForeignSocket(at: try scratch.address("bound"), listening: false)
        for name in ["stale", "file", "directory", "bound"] {
            #expect(connecting(to: try scratch.address(name)) == ECONNREFUSED)
        }
        withExtendedLifetime(bound.descriptor) {}
    }

    @Test func `a datagram connect tells a bound socket from a stale one, and leaves no connection`() throws {
        leaveStaleSocket(at: try scratch.address("stale"))
        let bound = ForeignSocket(at: try scratch.address("bound"), listening: false)
        let listening = ForeignSocket(at: try scratch.address("listening"))
        #expect(connecting(to: try scratch.address("stale"), SOCK_DGRAM) == ECONNREFUSED)
        #expect(connecting(to: try scratch.address("bound"), SOCK_DGRAM) == EPROTOTYPE)
        #expect(connecting(to: try scratch.address("listening"), SOCK_DGRAM) == EPROTOTYPE)
        #expect(!acceptsClient(listening.descriptor))
        withExtendedLifetime(bound.descriptor) {}
    }

    @Test func `bind on a dangling symbolic link fails and makes no target`() throws {
        #expect(unsafe symlink("target", scratch.path("link")) == 0)
        let socket = ForeignSocket()
        let address = SocketAddress(try scratch.address("link"))
        #expect(
            unsafe address.withUnsafePointer { unsafe bind(socket.descriptor, $0, $1) } == -1 && errno == EADDRINUSE)
        #expect(scratch.names == ["link"])
    }

    @Test func `fchmod before bind sets the mode, which the umask narrows; after bind it does nothing`() throws {
        let address = try scratch.address()
        let path = scratch.path("pipe")
        withUmask(0o022) {
            let socket = ForeignSocket()
            #expect(fchmod(socket.descriptor, 0o660) == 0)
            let name = SocketAddress(address)
            #expect(unsafe name.withUnsafePointer { unsafe bind(socket.descriptor, $0, $1) } == 0)
            #expect(FileStatus.following(path)?.mode == 0o640)
            #expect(fchmod(socket.descriptor, 0o600) == 0)
            #expect(FileStatus.following(path)?.mode == 0o640)
        }
    }

    @Test func `after a rename connects go to the new socket and the old listener keeps its queue`() throws {
        let address = try scratch.address()
        let old = ForeignSocket(at: address)
        let waiting = ForeignSocket()
        #expect(waiting.connect(to: SocketAddress(address)) == 0)
        let new = ForeignSocket(at: try scratch.address("new"))
        #expect(unsafe rename(scratch.path("new"), scratch.path("pipe")) == 0)
        let client = ForeignSocket()
        #expect(client.connect(to: SocketAddress(address)) == 0)
        for listener in [old.descriptor, new.descriptor] {
            #expect(acceptsClient(listener))
        }
    }

    @Test func `a socket can be linked to a free name only, and is reached through it`() throws {
        let server = ForeignSocket(at: try scratch.address("temporary"))
        makeFile(scratch.path("taken"))
        #expect(unsafe link(scratch.path("temporary"), scratch.path("taken")) == -1 && errno == EEXIST)
        #expect(unsafe link(scratch.path("temporary"), scratch.path("pipe")) == 0)
        #expect(unsafe unlink(scratch.path("temporary")) == 0)
        #expect(connecting(to: try scratch.address("pipe")) == 0)
        withExtendedLifetime(server.descriptor) {}
    }

    @Test func `an open socket keeps its inode from reuse after its name is gone`() throws {
        let address = try scratch.address()
        let socket = ForeignSocket(at: address)
        let identity = try FileStatus(of: scratch.path("pipe")).identity
        for _ in 0..<50 {
            #expect(unsafe unlink(scratch.path("pipe")) == 0)
            leaveStaleSocket(at: address)
            #expect(try FileStatus(of: scratch.path("pipe")).identity != identity)
        }
        withExtendedLifetime(socket.descriptor) {}
    }

    @Test func `a lock belongs to the open file: it works between threads, and unlocking counts for copies`() throws {
        makeFile(scratch.path("lock"))
        let first = unsafe open(scratch.path("lock"), O_RDWR | O_CLOEXEC)
        let second = unsafe open(scratch.path("lock"), O_RDWR | O_CLOEXEC)
        defer { _ = close(second) }
        #expect(flock(first, LOCK_EX | LOCK_NB) == 0)
        #expect(flock(second, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK)
        // A child process has such a copy before its exec.
        let copy = dup(first)
        #expect(flock(first, LOCK_UN) == 0)
        _ = close(first)
        #expect(flock(second, LOCK_EX | LOCK_NB) == 0)
        _ = close(copy)
    }

    @Test func `a directory that was opened for its path only can be bound in, through proc`() throws {
        let directory = try Directory.open(scratch.path)
        let socket = ForeignSocket()
        let name = SocketAddress("pipe", in: directory)
        #expect(unsafe name.withUnsafePointer { unsafe bind(socket.descriptor, $0, $1) } == 0)
        #expect(scratch.names == ["pipe"])
    }
}

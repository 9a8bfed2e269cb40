// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import NamedPipes

/// The error of publishing `path`; nil if there is none.
private func refusal(_ path: String, allowsInsecureDirectory: Bool = false) -> PipeError? {
    do throws(PipeError) {
        _ = try publish(.path(path), allowsInsecureDirectory: allowsInsecureDirectory)
        return nil
    } catch {
        return error
    }
}

@Suite struct `A directory is refused` {
    private let scratch = Scratch()

    @Test func `3 · that does not exist, naming the first one missing`() {
        #expect(
            refusal(scratch.path("a/b/c/pipe")) == .unusableLocation(path: scratch.path("a"), .missingDirectory))
        makeDirectory(scratch.path("a"))
        #expect(
            refusal(scratch.path("a/b/c/pipe")) == .unusableLocation(path: scratch.path("a/b"), .missingDirectory))
    }

    @Test func `3 · that is a file, wherever in the path`() {
        makeFile(scratch.path("file"))
        let expected = PipeError.unusableLocation(path: scratch.path("file"), .notADirectory)
        #expect(refusal(scratch.path("file/pipe")) == expected)
        #expect(refusal(scratch.path("file/b/c/pipe")) == expected)
    }

    @Test(arguments: [mode_t(0o770), 0o707, 0o777, 0o720])
    func `4 · that others may write to`(_ mode: mode_t) {
        setMode(mode, of: scratch.path)
        #expect(
            refusal(scratch.path("pipe"))
                == .unusableLocation(path: scratch.path, .insecureDirectory(owner: geteuid(), mode: mode)))
        #expect(scratch.names == [])
        #expect(refusal(scratch.path("pipe"), allowsInsecureDirectory: true) == nil)
    }

    @Test(arguments: [mode_t(0o1777), 0o755, 0o700, 0o711])
    func `4 · but not if they cannot rename the files of others`(_ mode: mode_t) {
        setMode(mode, of: scratch.path)
        #expect(refusal(scratch.path("pipe")) == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give directories away"))
    func `4 · that belongs to another user`() {
        #expect(unsafe chown(scratch.path, 65534, 65534) == 0)
        #expect(
            refusal(scratch.path("pipe"))
                == .unusableLocation(path: scratch.path, .insecureDirectory(owner: 65534, mode: 0o700)))
        #expect(refusal(scratch.path("pipe"), allowsInsecureDirectory: true) == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give links away"), arguments: ["", "/deeper"])
    func `5 · behind another user's symbolic link, and nothing is made there`(_ rest: String) {
        makeDirectory(scratch.path("real"))
        makeDirectory(scratch.path("real/deeper"))
        #expect(unsafe symlink("real", scratch.path("link")) == 0)
        #expect(unsafe lchown(scratch.path("link"), 65534, 65534) == 0)
        let expected = PipeError.unusableLocation(path: scratch.path("link"), .symbolicLink)
        #expect(refusal(scratch.path("link\(rest)/pipe")) == expected)
        #expect(refusal(scratch.path("link\(rest)/pipe"), allowsInsecureDirectory: true) == expected)
        #expect(namesIn(scratch.path("real")) == ["deeper"])
        #expect(namesIn(scratch.path("real/deeper")) == [])
    }

    @Test func `5 · but changes of its path during the start do not lead elsewhere`() throws {
        makeDirectory(scratch.path("real"))
        makeDirectory(scratch.path("other"))
        let address = try scratch.address("real/pipe")
        var file = try SocketFile.claim(address, NameClaim(backlog: 16))
        #expect(unsafe rename(scratch.path("real"), scratch.path("moved")) == 0)
        #expect(unsafe symlink("other", scratch.path("real")) == 0)
        let socket = try NamingSocket.make()
        try file.place(socket, permissions: .ownerOnly, backlog: 16)
        #expect(namesIn(scratch.path("moved")) == [".pipe.lock", "pipe"])
        #expect(namesIn(scratch.path("other")) == [])
        withExtendedLifetime(file) {}
    }

    @Test func `5 · that is a dangling symbolic link`() {
        #expect(unsafe symlink("nowhere", scratch.path("link")) == 0)
        let expected = PipeError.unusableLocation(path: scratch.path("link"), .symbolicLink)
        #expect(refusal(scratch.path("link/pipe")) == expected)
        #expect(refusal(scratch.path("link/a/pipe")) == expected)
    }

    @Test func `5 · that is a circle of symbolic links`() {
        #expect(unsafe symlink("link", scratch.path("link")) == 0)
        #expect(
            refusal(scratch.path("link/a/pipe")) == .unusableLocation(path: scratch.path("link"), .symbolicLink))
    }

    @Test(arguments: [("ro", UnusableLocation.readOnly), ("nr_inodes=1", .full)])
    func `14 · on a read-only or full file system, leaving nothing`(
        _ option: String, _ expected: UnusableLocation
    ) throws {
        guard geteuid() == 0, Child.run("/bin/mount", "-t", "tmpfs", "-o", option, "tmpfs", scratch.path) == 0 else {
            try Test.cancel("mounting a file system is not possible here")
        }
        defer { Child.run("/bin/umount", scratch.path) }
        setModeIfPossible(0o700, of: scratch.path)
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: scratch.path, expected), "not the lock's")
        #expect(scratch.names == [])
    }

    @Test func `14 · that fills up between the lock and the socket, leaving only the lock`() throws {
        guard geteuid() == 0,
            Child.run("/bin/mount", "-t", "tmpfs", "-o", "nr_inodes=2,mode=0700", "tmpfs", scratch.path) == 0
        else {
            try Test.cancel("mounting a file system is not possible here")
        }
        defer { Child.run("/bin/umount", scratch.path) }
        #expect(refusal(scratch.path("pipe"))?.location == .full)
        #expect(scratch.names == [".pipe.lock"])
    }

    private func setModeIfPossible(_ mode: mode_t, of path: String) { _ = unsafe chmod(path, mode) }
}

@Suite struct `A name is refused and left alone` {
    private let scratch = Scratch()

    @Test func `6 · that is a regular file`() {
        makeFile(scratch.path("pipe"))
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: scratch.path("pipe"), .notASocket))
        #expect(contents(of: scratch.path("pipe")) == "precious")
        #expect(scratch.names == ["pipe"], "a refusal must not even leave a lock")
    }

    @Test func `6 · that is a directory`() {
        makeDirectory(scratch.path("pipe"))
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: scratch.path("pipe"), .notASocket))
        #expect(scratch.names == ["pipe"])
    }

    @Test func `6 · that is a FIFO`() {
        #expect(unsafe mkfifo(scratch.path("pipe"), 0o600) == 0)
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: scratch.path("pipe"), .notASocket))
        #expect(scratch.names == ["pipe"])
    }

    @Test func `5 · that is a dangling symbolic link, whose target is not made`() {
        #expect(unsafe symlink("target", scratch.path("pipe")) == 0)
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: scratch.path("pipe"), .symbolicLink))
        #expect(scratch.names == ["pipe"])
    }

    @Test func `5 · that is a symbolic link to a stale socket`() throws {
        leaveStaleSocket(at: try scratch.address("other"))
        #expect(unsafe symlink("other", scratch.path("pipe")) == 0)
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: scratch.path("pipe"), .symbolicLink))
        #expect(scratch.names == ["other", "pipe"])
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func `6 · that is a stale socket of another user`() throws {
        leaveStaleSocket(at: try scratch.address())
        #expect(unsafe chown(scratch.path("pipe"), 65534, 65534) == 0)
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: scratch.path("pipe"), .foreignOwner(65534)))
        #expect(scratch.names == ["pipe"])
    }
}

@Suite struct `A lock file is refused` {
    private let scratch = Scratch()
    private var lock: String { scratch.path(".pipe.lock") }

    @Test func `5 · that is a symbolic link, whose target is not written to`() {
        makeFile(scratch.path("target"))
        #expect(unsafe symlink("target", lock) == 0)
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: lock, .symbolicLink))
        #expect(contents(of: scratch.path("target")) == "precious")
    }

    @Test func `5 · that is another name of a file with a content of its own`() {
        makeFile(scratch.path("target"))
        #expect(unsafe link(scratch.path("target"), lock) == 0)
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: lock, .notALockFile))
        #expect(contents(of: scratch.path("target")) == "precious")
    }

    @Test func `6 · that is a FIFO, without waiting for a reader`() {
        #expect(unsafe mkfifo(lock, 0o600) == 0)
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: lock, .notALockFile))
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func `4 · that belongs to another user`() {
        makeFile(lock)
        #expect(unsafe chown(lock, 65534, 65534) == 0)
        #expect(refusal(scratch.path("pipe")) == .unusableLocation(path: lock, .foreignOwner(65534)))
        #expect(contents(of: lock) == "precious")
    }
}

extension PipeError {
    fileprivate var location: UnusableLocation? {
        if case .unusableLocation(_, let location) = self { location } else { nil }
    }
}

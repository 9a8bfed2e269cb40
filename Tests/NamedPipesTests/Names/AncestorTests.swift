// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import NamedPipes

/// The directories above a socket's own.
@Suite struct `A path is checked as a whole` {
    private let scratch = Scratch()

    private func refusal(_ name: String, allowsInsecureDirectory: Bool = false) -> PipeError? {
        do throws(PipeError) {
            _ = try publish(.path(scratch.path(name)), allowsInsecureDirectory: allowsInsecureDirectory)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [mode_t(0o777), 0o775, 0o757])
    func `75 · refuses a directory in which others may rename, however far above the socket`(_ mode: mode_t) {
        makeDirectory(scratch.path("upper"), mode: mode)
        makeDirectory(scratch.path("upper/a"), mode: 0o755)
        makeDirectory(scratch.path("upper/a/b"), mode: 0o755)
        let expected = PipeError.unusableLocation(
            path: scratch.path("upper"), .insecureDirectory(owner: geteuid(), mode: mode))
        #expect(refusal("upper/a/pipe") == expected)
        #expect(refusal("upper/a/b/pipe") == expected)
        #expect(namesIn(scratch.path("upper/a/b")) == [])
        #expect(refusal("upper/a/b/pipe", allowsInsecureDirectory: true) == nil)
    }

    @Test func `75 · but not if they cannot rename the files of others`() {
        makeDirectory(scratch.path("upper"), mode: 0o1777)
        makeDirectory(scratch.path("upper/a"), mode: 0o755)
        #expect(refusal("upper/a/pipe") == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give directories away"))
    func `75 · refuses a directory of another user's, sticky or not, although the socket's own is ours`() {
        for mode: mode_t in [0o755, 0o1777] {
            makeDirectory(scratch.path("theirs"), mode: mode)
            makeDirectory(scratch.path("theirs/ours"))
            #expect(unsafe chown(scratch.path("theirs"), 65534, 65534) == 0)
            #expect(
                refusal("theirs/ours/pipe")
                    == .unusableLocation(
                        path: scratch.path("theirs"), .insecureDirectory(owner: 65534, mode: UInt32(mode))))
            Child.run("/bin/rm", "-rf", scratch.path("theirs"))
        }
    }

    @Test(arguments: ["real", "absolute", "a/../real", "./real", "link2"])
    func `75 · follows links that are ours, in the last place too`(_ target: String) throws {
        makeDirectory(scratch.path("real"))
        makeDirectory(scratch.path("a"))
        #expect(unsafe symlink("real", scratch.path("link2")) == 0)
        let leadsTo = target == "absolute" ? scratch.path("real") : target
        #expect(unsafe symlink(leadsTo, scratch.path("link")) == 0)
        let name = try publish(scratch.address("link/pipe"))
        #expect(namesIn(scratch.path("real")) == [".pipe.lock", "pipe"])
        #expect(connecting(to: try scratch.address("link/pipe")) == 0)
        #expect(connecting(to: try scratch.address("real/pipe")) == 0)
        #expect(throws: PipeError.addressInUse(try scratch.address("real/pipe"), holder: getpid())) {
            try publish(scratch.address("real/pipe"))
        }
        name.close()
        #expect(namesIn(scratch.path("real")) == [".pipe.lock"])
    }

    @Test func `75 · follows root's links, such as that from /var/run to /run`() throws {
        guard try FileStatus(of: "/var/run").kind == .symbolicLink else {
            try Test.cancel("/var/run is no link here")
        }
        let directory = try Directory.open("/var/run")
        let there = try FileStatus(of: directory.descriptor.rawValue).identity
        #expect(try there == FileStatus(following: "/run").identity)
    }

    @Test func `75 · also checks the target of a link`() {
        makeDirectory(scratch.path("open"), mode: 0o777)
        makeDirectory(scratch.path("open/a"))
        #expect(unsafe symlink("open/a", scratch.path("link")) == 0)
        #expect(
            refusal("link/pipe")
                == .unusableLocation(
                    path: scratch.path("open"), .insecureDirectory(owner: geteuid(), mode: 0o777)))
    }

    @Test func `75 · leads where it says, in bytes that are not UTF-8`() throws {
        let path = Array("\(scratch.path)/caf".utf8) + [0xE9, 0]
        unsafe path.withUnsafeBytes { bytes in
            guard let name = unsafe bytes.bindMemory(to: CChar.self).baseAddress else { return }
            unsafe #expect(mkdir(name, 0o700) == 0)
            unsafe #expect(symlink(name, scratch.path("link")) == 0)
        }
        let name = try publish(scratch.address("link/pipe"))
        #expect(connecting(to: try scratch.address("link/pipe")) == 0)
        name.close()
    }

    @Test func `75 · ends at a circle of links, and at one that leads nowhere`() {
        #expect(unsafe symlink("b", scratch.path("a")) == 0)
        #expect(unsafe symlink("a", scratch.path("b")) == 0)
        #expect(unsafe symlink("nowhere/at/all", scratch.path("c")) == 0)
        for link in ["a", "c"] {
            let expected = PipeError.unusableLocation(path: scratch.path(link), .symbolicLink)
            #expect(refusal("\(link)/pipe") == expected)
            #expect(refusal("\(link)/x/pipe") == expected)
        }
    }
}

@Suite struct `A map of users` {
    private func overflow(_ map: String, _ number: String = "65534\n") -> UInt32? {
        UserMap(map: Array(map.utf8), overflow: Array(number.utf8)).overflowUserID
    }

    @Test func `77 · in which every user has a number has none for those without`() {
        #expect(overflow("         0          0 4294967295\n") == nil)
        #expect(overflow("0 0 1000\n1000 1000 4294966295\n") == nil)
    }

    @Test func `77 · of a container has one number for all users without their own, also before the map is written`() {
        #expect(overflow("         0     100000      65536\n") == 65534)
        #expect(overflow("0 1000 1\n1 100000 65535\n") == 65534)
        #expect(overflow("") == 65534)
        #expect(overflow("0 100000 65536\n", "4000\n") == 4000)
        #expect(overflow("0 100000 65536\n", "") == 65534)
    }

    @Test func `77 · is the kernel's`() throws {
        let map = try #require(contents(of: "/proc/self/uid_map"))
        let number = try #require(contents(of: "/proc/sys/kernel/overflowuid"))
        #expect(UserMap.current == UserMap(map: Array(map.utf8), overflow: Array(number.utf8)))
        #expect(CurrentProcess.userID == geteuid() || geteuid() == CurrentProcess.overflowUserID)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import NamedPipes

private func environment(
    user: UInt32 = 1000, xdg: String? = nil, tmp: String? = nil, existing: Set<String> = []
) -> AddressEnvironment {
    AddressEnvironment(
        userID: user, xdgRuntimeDirectory: xdg, tmpDirectory: tmp, isDirectory: { existing.contains($0) })
}

@Suite struct `The runtime directory` {
    @Test func `is /run for root, whatever the caller's variable says`() throws {
        let root = environment(user: 0, xdg: "/run/user/1000")
        #expect(try PipeAddress.runtime("x", in: root).path == "/run/x")
    }

    @Test func `is XDG_RUNTIME_DIR for users`() throws {
        let user = environment(xdg: "/some/where", existing: ["/run/user/1000"])
        #expect(try PipeAddress.runtime("x", in: user).path == "/some/where/x")
    }

    @Test(arguments: ["/some/where/", "/some/where///"])
    func `may have slashes at its end`(_ directory: String) throws {
        #expect(try PipeAddress.runtime("x", in: environment(xdg: directory)).path == "/some/where/x")
    }

    @Test(arguments: [nil, "", "relative/path"])
    func `is that of the user ID if the variable is unset or not absolute`(_ variable: String?) throws {
        let user = environment(xdg: variable, existing: ["/run/user/1000"])
        #expect(try PipeAddress.runtime("x", in: user).path == "/run/user/1000/x")
    }

    @Test func `is a private one in TMPDIR where a user has none`() throws {
        let scratch = Scratch()
        let user = environment(user: 12345, tmp: scratch.path)
        let directory = scratch.path("named-pipes-12345")
        for _ in 0..<2 {  // server and client
            let address = try PipeAddress.runtime("echo", in: user)
            #expect(address.path == directory + "/echo")
            #expect(address.isInRuntimeDirectory(of: user))
            #expect(FileStatus.following(directory)?.mode == 0o700)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give directories away"))
    func `5 · is not a private one that another user has made`() throws {
        let scratch = Scratch()
        let directory = scratch.path("named-pipes-12345")
        #expect(unsafe mkdir(directory, 0o700) == 0 && chown(directory, 65534, 65534) == 0)
        let user = environment(user: 12345, tmp: scratch.path)
        #expect(throws: PipeError.self) { try PipeAddress.runtime("echo", in: user) }
        #expect(throws: PipeError.self) { try PipeAddress.unique(prefix: "p", in: user) }
    }

    @Test func `is not replaced by a private one if the variable names none that exists`() throws {
        let scratch = Scratch()
        let user = environment(user: 12345, xdg: "/not/there", tmp: scratch.path)
        #expect(try PipeAddress.runtime("x", in: user).path == "/not/there/x")
        #expect(scratch.names == [])
    }

    @Test(arguments: ["a/b", "/a", "a/", ".", ".."])
    func `takes names only`(_ name: String) {
        #expect(throws: PipeError.invalidAddress(.notAName(name))) { try PipeAddress.runtime(name, in: environment()) }
    }
}

@Suite struct `Addresses of .NET pipes` {
    @Test func `are in TMPDIR, or in /tmp`() throws {
        #expect(try PipeAddress.dotNet("x", in: environment()).path == "/tmp/CoreFxPipe_x")
        #expect(try PipeAddress.dotNet("x", in: environment(tmp: "")).path == "/tmp/CoreFxPipe_x")
        #expect(try PipeAddress.dotNet("x", in: environment(tmp: "/var/tmp/")).path == "/var/tmp/CoreFxPipe_x")
        #expect(try PipeAddress.dotNet("x", in: environment(tmp: "/")).path == "/CoreFxPipe_x")
    }

    @Test func `are the path itself if that is absolute`() throws {
        #expect(try PipeAddress.dotNet("/run/x").path == "/run/x")
    }

    @Test(arguments: ["a/b", "..", "anonymous", "Anonymous"])
    func `reject names that .NET rejects`(_ name: String) {
        #expect(throws: PipeError.invalidAddress(.notAName(name))) { try PipeAddress.dotNet(name, in: environment()) }
    }
}

@Suite struct `Unique addresses` {
    @Test func `never come twice`() throws {
        let runtime = environment(xdg: "/some/where", existing: ["/some/where"])
        let addresses = try (0..<1000).map { _ in try PipeAddress.unique(prefix: "p", in: runtime) }
        #expect(Set(addresses).count == 1000)
        #expect(addresses.allSatisfy { $0.path?.utf8.count == "/some/where/p-".utf8.count + 32 })
        #expect(addresses.allSatisfy { $0.path?.hasPrefix("/some/where/p-") == true })
    }

    @Test func `lie in a private directory where there is no runtime directory`() throws {
        let scratch = Scratch()
        let user = environment(user: 12345, tmp: scratch.path)
        let address = try PipeAddress.unique(prefix: "p", in: user)
        let directory = scratch.path("named-pipes-12345")
        #expect(address.path?.hasPrefix(directory + "/p-") == true)
        #expect(FileStatus.following(directory)?.mode == 0o700)
        _ = try PipeAddress.unique(prefix: "again", in: user)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give links away"))
    func `5 · refuse a private directory that another user has put there`() throws {
        let scratch = Scratch()
        let directory = scratch.path("named-pipes-12345")
        #expect(unsafe symlink("/tmp", directory) == 0)
        #expect(unsafe lchown(directory, 65534, 65534) == 0)
        #expect(throws: PipeError.unusableLocation(path: directory, .symbolicLink)) {
            try PipeAddress.unique(prefix: "p", in: environment(user: 12345, tmp: scratch.path))
        }
    }

    @Test func `leave nothing behind, not even the lock`() throws {
        let scratch = Scratch()
        let address = try PipeAddress.unique(prefix: "p", in: environment(xdg: scratch.path, existing: [scratch.path]))
        let name = try publish(address)
        #expect(throws: PipeError.addressInUse(address, holder: getpid())) { try publish(address) }
        #expect(connecting(to: address) == 0)
        name.close()
        #expect(scratch.names == [])
    }

    @Test func `are equal to the addresses that their text is parsed to`() throws {
        let address = try PipeAddress.unique(
            prefix: "p", in: environment(xdg: "/some/where", existing: ["/some/where"]))
        #expect(try PipeAddress(parsing: address.description) == address)
    }
}

@Suite struct `Addresses as text` {
    private let user = environment(xdg: "/some/where")

    @Test func `are read in four forms`() throws {
        #expect(try PipeAddress(parsing: "/run/x.sock", in: user) == .path("/run/x.sock"))
        #expect(try PipeAddress(parsing: "x", in: user) == .path("/some/where/x"))
        #expect(try PipeAddress(parsing: "@x", in: user) == .abstract("x"))
        #expect(try PipeAddress(parsing: "dotnet:x", in: user) == .path("/tmp/CoreFxPipe_x"))
        #expect(try PipeAddress(parsing: "dotnet:/run/x", in: user) == .path("/run/x"))
    }

    @Test(arguments: ["./x", "a/b", "unix:/run/x"])
    func `are no relative paths and no URLs`(_ text: String) {
        #expect(throws: PipeError.invalidAddress(.notAName(text))) { try PipeAddress(parsing: text, in: user) }
    }

    @Test(arguments: ["/run/x.sock", "@x", "@/x", "@@x", #"/run/a\b c"#, "/run/ü", "@\u{301}x", "/dotnet:x"])
    func `are parsed back from their description`(_ text: String) throws {
        let address = try PipeAddress(parsing: text)
        #expect(address.description == text)
        #expect(try PipeAddress(parsing: address.description) == address)
    }

    @Test func `20 · cannot forge lines of a log or command a terminal`() throws {
        let address = try PipeAddress.abstract("a\n\u{1b}[2J\r\u{7f}\u{9b}\u{2028}\u{202e}z")
        #expect(address.description == #"@a\u{A}\u{1B}[2J\u{D}\u{7F}\u{9B}\u{2028}\u{202E}z"#)
    }
}

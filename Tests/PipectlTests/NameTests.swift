// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

@Suite(.timeLimit(.minutes(5)))
struct NameTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    @Test(arguments: [["echo"], ["echo", "--async"]])
    func `76 · a server whose socket file is removed reports it and publishes it again`(_ command: [String]) throws {
        let path = try #require(try PipeAddress.unique(prefix: "pipectl-test").path)
        defer { removeLeftovers(of: path) }
        let server = try Tool(reactor, command + [path])
        server.waitFor("listening on ")
        #expect(unsafe unlink(path) == 0)
        server.waitFor("\(path) was removed, and is published again")
        let reply = try run(reactor, "send", path, "hi", "--reply")
        #expect(reply.status == 0 && reply.lines == ["hi"])
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `76 · a directory without permission to make files is named by the error`() throws {
        let place = try run(reactor, "echo", "/proc/pipe")
        #expect(place.status == 1)
        #expect(place.lines.last?.hasSuffix("no permission to make files in /proc") == true, "\(place.lines)")
    }

    /// Starts a command, as user 65534, in a user namespace in which only the users 0 to 65535 have numbers.
    private static let inNamespace = """
        import ctypes, os, signal, sys
        libc = ctypes.CDLL(None); go, done = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            if libc.unshare(0x10000000): os._exit(9)
            os.write(go[1], b"x"); os.read(done[0], 1)
            os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
            libc.prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])
        os.close(go[1])
        if os.read(go[0], 1) != b"x": sys.exit("no user namespaces here")
        for kind in "uid", "gid": open(f"/proc/{child}/{kind}_map", "w").write("0 100000 65536")
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, 15))
        os.write(done[1], b"x"); sys.exit(os.waitpid(child, 0)[1] >> 8)
        """

    @Test(.enabled(if: geteuid() == 0, "only root can become other users"))
    func `77 · a user without a number is not taken for the server's own`() throws {
        guard unsafe access("/usr/bin/python3", X_OK) == 0, unsafe access("/usr/bin/setpriv", X_OK) == 0 else {
            try Test.cancel("needs python3 and setpriv")
        }
        let server = try Tool(
            reactor, command: ["/usr/bin/python3", "-c", Self.inNamespace, Tool.program, "listen", name],
            errors: .merged)
        server.waitFor("listening on ")
        guard server.text.contains("listening on ") else { return }
        // Root of the namespace, to show that the way is open to an admitted user; then two users that the server sees
        // as 65534: one without a number, and the one whose number that is.
        for (user, message) in [(100_000, "root"), (12345, "nobody"), (165_534, "own")] {
            let client = try Tool(
                reactor,
                command: [
                    "/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", Tool.program,
                    "send", name, message,
                ], errors: .merged)
            client.endInput()
            #expect(client.waitForExit() != nil)
            if user == 100_000, client.text.contains("Permission denied") {
                try Test.cancel("other users cannot reach the program here")
            }
            if user == 100_000 { server.waitFor("root") }
        }
        server.terminate()
        _ = server.waitForExit()
        #expect(!server.lines.contains("nobody") && !server.lines.contains("own"), "\(server.lines)")
    }
}

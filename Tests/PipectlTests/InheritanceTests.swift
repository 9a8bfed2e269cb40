// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import NamedPipesProgram
import Testing

@testable import pipectl

/// HOSTILE 77: what the parent process left behind, one thing after the other.
@Suite(.timeLimit(.minutes(5)))
struct InheritanceTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    /// A server of commands that inherits what the shell's `setting` makes of it.
    private func server(_ command: String, inheriting setting: String, redirection: String = "") throws -> Tool {
        let server = try Tool(
            reactor, ["serve", name, "--exec", command, "--linger", "60s"], redirection: redirection,
            assignment: setting)
        if !redirection.contains("2>&-") { server.waitFor("listening on ") }
        return server
    }

    /// The output of the server's command. On a busy machine the command may end before the client's input does, which
    /// the client reports on standard error.
    private func output() throws -> [String] {
        try run(reactor, "connect", name, "--wait", input: "", errors: .dropped).lines
    }

    // MARK: Signals

    @Test func `77 · SIGCHLD ignored by the parent loses nothing of what a command prints`() throws {
        let server = try server("seq 1 20000", inheriting: "trap '' CHLD;")
        let lines = try output()
        #expect(lines == (1...20_000).map(String.init))
        server.waitFor("the command exited with 0")
    }

    @Test(arguments: [(SIGINT, "INT"), (SIGHUP, "HUP"), (SIGTERM, "TERM")])
    func `77 · a signal that was ignored at the start stays ignored`(number: Int32, signal: String) throws {
        let server = try Tool(reactor, ["echo", name], assignment: "trap '' \(signal);")
        server.waitFor("listening on ")
        server.signal(number)
        // The other signal ends it, in order, although it came later.
        server.signal(number == SIGTERM ? SIGINT : SIGTERM)
        #expect(server.waitForExit() == 0)
        let second = try Tool(reactor, ["echo", name], assignment: "trap '' \(signal);")
        second.waitFor("listening on ")
        for _ in 0..<3 {
            second.signal(number)
            #expect(try run(reactor, "send", name, "--reply", "still here").lines == ["still here"])
        }
    }

    @Test func `77 · SIGHUP ends a server as SIGTERM does, with its name`() throws {
        let path = try #require(try PipeAddress.unique(prefix: "pipectl-test").path)
        defer { removeLeftovers(of: path) }
        let server = try Tool(reactor, ["echo", path], assignment: "trap - HUP;")
        server.waitFor("listening on ")
        server.signal(SIGHUP)
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("stopped after 0 connections"))
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test(.enabled(if: isInstalled("python3")))
    func `77 · signals that the parent blocked end a server all the same`() throws {
        let block =
            "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); "
            + "os.execv(sys.argv[1], sys.argv[1:])"
        let server = try Tool(
            reactor, command: ["python3", "-c", block, Tool.program, "echo", name], errors: .merged)
        server.waitFor("listening on ")
        server.terminate()
        #expect(server.waitForExit() == 0)
    }

    // MARK: What a command inherits

    @Test func `77 · a command has the limits and signals that pipectl was given`() throws {
        let setting = "ulimit -Sn 256; ulimit -Sc 0; trap '' USR1 CHLD; umask 027;"
        let look = "ulimit -a; umask; grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t'"
        let direct = try Tool(reactor, command: ["/bin/sh", "-c", look], errors: .merged, assignment: setting)
        #expect(direct.waitForExit() == 0)
        let server = try server(look, inheriting: setting)
        let lines = try output()
        #expect(lines == direct.lines)
        #expect(direct.lines.contains { $0.contains("256") })
        _ = server
    }

    @Test func `77 · a command has none of the service manager's variables, and all others`() throws {
        let variables = [
            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
        ]
        let setting = variables.map { "\($0)=1" }.joined(separator: " ") + " MINE=kept PEER_PID=7"
        let server = try server("env", inheriting: setting)
        let lines = try output()
        #expect(lines.contains("MINE=kept"))
        #expect(lines.count { $0.hasPrefix("PEER_PID=") } == 1 && !lines.contains("PEER_PID=7"))
        for variable in variables { #expect(!lines.contains { $0.hasPrefix("\(variable)=") }) }
        _ = server
    }

    @Test func `77 · a command has three descriptors, whatever was open`() throws {
        let server = try server("ls /proc/self/fd", inheriting: "exec 7</dev/null 9</dev/null;")
        // And the one by which ls reads the directory.
        let lines = try output()
        #expect(lines == ["0", "1", "2", "3"])
        _ = server
    }

    @Test func `77 · commands are those of the system's shell, whatever PATH says`() throws {
        let server = try server("echo hi", inheriting: "PATH=")
        let lines = try output()
        #expect(lines == ["hi"])
        _ = server
    }

    // MARK: Descriptors, directory, umask

    @Test(arguments: 1..<8)
    func `77 · closed standard descriptors are /dev/null`(closed: Int) throws {
        let redirections = ["<&-", ">&-", "2>&-"].indices.filter { closed & 1 << $0 != 0 }.map {
            ["<&-", ">&-", "2>&-"][$0]
        }
        let server = try server(
            "for n in 0 1 2; do readlink /proc/$PPID/fd/$n; done", inheriting: "",
            redirection: redirections.joined(separator: " "))
        let targets = try output()
        try #require(targets.count == 3)
        for number in 0..<3 where closed & 1 << number != 0 { #expect(targets[number] == "/dev/null") }
        for number in 0..<3 where closed & 1 << number == 0 { #expect(targets[number] != "/dev/null") }
        _ = server
    }

    @Test func `77 · a working directory that is gone, and an umask that allows nothing, are no obstacles`() throws {
        let path = try #require(try PipeAddress.unique(prefix: "pipectl-test").path)
        defer { removeLeftovers(of: path) }
        let setting = "d=$(mktemp -d); cd $d; rmdir $d; umask 0777;"
        let server = try Tool(reactor, ["serve", path, "--exec", "echo hi"], assignment: setting)
        server.waitFor("listening on ")
        let client = try Tool(reactor, ["connect", path], errors: .dropped, assignment: setting)
        client.endInput()
        #expect(client.waitForExit() == 0)
        #expect(client.lines == ["hi"])
        server.terminate()
        #expect(server.waitForExit() == 0)
    }

    @Test func `77 · a limit of file sizes is a reported error, and not the end of the process`() throws {
        // Before the program begins, ThreadSanitizer fills a file of half a megabyte in TMPDIR and maps it, and would
        // touch the pages that the limit kept from being written. Where it cannot make that file, it does without.
        let listener = try Tool(
            reactor, ["listen", name], redirection: ">\"$(mktemp)\"", assignment: "ulimit -f 1; TMPDIR=/proc")
        listener.waitFor("listening on ")
        _ = try run(reactor, "send", name, String(repeating: "x", count: 3000))
        #expect(listener.waitForExit() == 1)
        #expect(listener.text.contains("File too large"))
    }

    // MARK: Arguments

    @Test func `77 · messages and commands are the bytes that were given`() throws {
        let listener = try serve(reactor, "listen", name, "--raw")
        let send = try byteTool("send \(name) \"$(printf 'caf\\351')\"")
        #expect(send.waitForExit() == 0, "\(send.text)")
        #expect(reactor.run(timeout: deadline) { listener.output.suffix(5) == [0x63, 0x61, 0x66, 0xE9, 0x0A] })

        let other = freshName()
        let server = try byteTool("serve \(other) --exec=\"$(printf 'echo caf\\351')\"")
        server.waitFor("listening on ")
        let client = try Tool(reactor, ["connect", other, "--raw"], errors: .dropped)
        client.endInput()
        #expect(client.waitForExit() == 0)
        #expect(client.output == [0x63, 0x61, 0x66, 0xE9, 0x0A])
    }

    @Test(arguments: [
        "send BYTES x", "echo BYTES", "call @x BYTES", "call @x m '[\"BYTES\"]'", "echo --framing BYTES @x",
    ])
    func `77 · an argument that has to be text is refused where it is not UTF-8`(command: String) throws {
        let tool = try byteTool(
            command.replacing("'[\"BYTES\"]'", with: "\"$(printf '[\"\\351\"]')\"").replacing(
                "BYTES", with: "\"$(printf 'caf\\351')\""))
        #expect(tool.waitForExit() == 2)
        #expect(tool.text.contains(#"\xE9"#), "\(tool.text)")
    }

    /// `pipectl` with arguments as a shell makes them.
    private func byteTool(_ arguments: String) throws -> Tool {
        try Tool(
            reactor, command: ["/bin/sh", "-c", "exec \"$0\" \(arguments)", Tool.program], errors: .merged,
            assignment: "ASAN_OPTIONS=detect_leaks=0")
    }

    @Test func `77 · bytes as text come back unchanged, in part as well`() {
        var random = SystemRandomNumberGenerator()
        let reserved = Array("\u{10FF80}\u{10FFFF}".utf8)
        for _ in 0..<2000 {
            var bytes = (0..<Int.random(in: 0..<12, using: &random)).map { _ in
                UInt8.random(in: 1...255, using: &random)
            }
            bytes.insert(contentsOf: Bool.random() ? Array("é".utf8) : reserved, at: bytes.count / 2)
            let text = Arguments.text(of: bytes)
            #expect(Arguments.bytes(of: text) == bytes)
            #expect(Arguments.plainText(text) == String(validating: bytes, as: UTF8.self))
            let option = Arguments.text(of: Array("--exec=".utf8) + bytes)
            #expect(Arguments.bytes(of: String(option.unicodeScalars.dropFirst(7))) == bytes)
        }
    }

    // MARK: Namespaces

    @Test(.enabled(if: canUnshare("-m")))
    func `77 · arguments are there without /proc`() throws {
        let tool = try Tool(
            reactor,
            command: [
                "unshare", "-m", "/bin/sh", "-c", "umount -l /proc && exec \"$0\" send \(name) hi", Tool.program,
            ], errors: .merged)
        #expect(tool.waitForExit() == 1)
        #expect(tool.text.contains("no server at \(name)"))
    }

    @Test(.enabled(if: canUnshare("-pf")))
    func `77 · a peer without a number in our process namespace has no PEER_PID`() throws {
        let server = try Tool(
            reactor,
            command: [
                "unshare", "-pf", "--kill-child", Tool.program, "serve", name, "--linger", "60s", "--exec",
                "echo ${PEER_PID-none} ${PEER_UID-none}",
            ], errors: .merged)
        server.waitFor("listening on ")
        let lines = try output()
        #expect(lines == ["none \(getuid())"])
    }
}

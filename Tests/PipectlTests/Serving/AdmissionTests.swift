// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import NamedPipes
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct AdmissionTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    private func configuration(_ arguments: String...) throws -> PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        try AdmissionOptions.parse(arguments).apply(to: &configuration)
        return configuration
    }

    @Test func `without options, the defaults are the library's`() throws {
        let (configuration, usual) = (try configuration(), PipeServer.Configuration())
        #expect(configuration.permissions == usual.permissions)
        #expect(configuration.accessPolicy == usual.accessPolicy)
    }

    @Test func `a mode changes the file, and admits no one`() throws {
        let configuration = try configuration("--mode", "0640")
        #expect(configuration.permissions == .mode(0o640))
        #expect(configuration.accessPolicy == .ownUserOrRoot)
    }

    @Test func `a group gets the file, and its members are admitted`() throws {
        let configuration = try configuration("--group", "4321")
        #expect(configuration.permissions == .group(4321))
        #expect(configuration.accessPolicy == .any(of: [.ownUserOrRoot, .groups([4321])]))
        #expect(try self.configuration("--group", "root", "--mode", "600").permissions == .mode(0o600, group: 0))
    }

    @Test func `admitted users pass the file, and the policy decides`() throws {
        let configuration = try configuration("--allow", "1234", "--allow", "root", "--allow", "@55")
        #expect(configuration.permissions == .everyone)
        #expect(
            configuration.accessPolicy == .any(of: [.ownUserOrRoot, .users([1234]), .users([0]), .groups([55])]))
        let all = try self.configuration("--allow", "any", "--mode", "660")
        #expect(all.permissions == .mode(0o660))
        #expect(all.accessPolicy == .any(of: [.ownUserOrRoot, .anyUser]))
    }

    @Test(arguments: [
        ["--mode", "0888"], ["--mode", "1600"], ["--mode", ""], ["--group", "no such group"],
        ["--allow", "no such user"], ["--allow", "@no such group"], ["--allow", "-1"],
    ])
    func `what is neither a mode nor a user is refused`(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try AdmissionOptions.parse(arguments) }
    }

    @Test(arguments: [
        ["@NAME", "--mode", "0660"], ["@NAME", "--group", "0"], ["fifo:/tmp/NAME", "--allow", "any"],
        ["nats://127.0.0.1/NAME", "--allow", "any"],
    ])
    func `options without an effect are refused`(_ arguments: [String]) throws {
        let tool = try Tool(reactor, ["listen"] + arguments, assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(tool.waitForExit() == 2, "\(tool.text)")
    }

    @Test(arguments: [[], ["--async"], ["--reactors", "2"], ["--async", "--reactors", "2"]])
    func `every kind of server has the permissions`(_ options: [String]) throws {
        let directory = try Directory(mode: 0o755)
        let path = directory.path + "/socket"
        let server = try Tool(reactor, ["echo", path, "--allow", "any", "--mode", "0642"] + options)
        server.waitFor("listening on ")
        var status = stat()
        #expect(unsafe lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o642)
        #expect(try run(reactor, "send", path, "hi", "--reply").lines == ["hi"])
        if geteuid() == 0, unsafe access("/usr/bin/setpriv", X_OK) == 0 {
            // Another user, whom the default policy would refuse.
            let other = try Tool(
                reactor,
                command: [
                    "/usr/bin/setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "/usr/bin/python3", "-c",
                    """
                    import socket, sys
                    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(b'\\0\\0\\0\\2hi')
                    print(s.recv(6, socket.MSG_WAITALL)[4:].decode())
                    """, path,
                ], errors: .merged)
            #expect(other.waitForExit() == 0)
            #expect(other.lines == ["hi"])
        }
        server.terminate()
        #expect(server.waitForExit() == 0)
    }

    @Test(arguments: [[], ["--async"], ["--reactors", "2"], ["--async", "--reactors", "2"]])
    func `a verbose server reports each connection, and a quiet one nothing`(_ options: [String]) throws {
        let verbose = try Tool(reactor, ["echo", name, "-v"] + options)
        verbose.waitFor("listening on ")
        #expect(try run(reactor, "send", name, "hi", "--reply").lines == ["hi"])
        verbose.waitFor(" was closed by the peer\n")
        #expect(verbose.lines.contains { $0.hasPrefix("pipectl: connection ") && $0.hasSuffix(") is open") })
        verbose.terminate()
        #expect(verbose.waitForExit() == 0)

        let quiet = try Tool(reactor, ["echo", name, "-q"] + options)
        #expect(try run(reactor, "send", name, "hi", "--reply", "--wait").lines == ["hi"])
        // The wrong framing is a complaint otherwise.
        _ = try run(reactor, "send", name, "hello world", "--framing", "newline", "--timeout", "1s")
        quiet.terminate()
        #expect(quiet.waitForExit() == 0)
        #expect(quiet.text == "")
        let failing = try run(reactor, "echo", "/nowhere/at/all.sock", "-q")
        #expect(failing.status == 1 && failing.lines.count == 1)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import Testing

/// HOSTILE 83: commands of `serve --exec` that do not end by themselves, and what they leave behind.
@Suite(.timeLimit(.minutes(5)))
struct LeftBehindTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    private func server(_ command: String, _ options: String...) throws -> Tool {
        let server = try Tool(reactor, ["serve", name, "--exec", command] + options, assignment: "trap - HUP;")
        server.waitFor("listening on ")
        return server
    }

    /// A client of a command that prints its process ID first.
    private func client() throws -> (tool: Tool, processID: Int32) {
        let client = try Tool(reactor, ["connect", name, "--stay"])
        client.waitFor("\n")
        return (client, try #require(client.lines.first.flatMap { Int32($0) }))
    }

    /// Runs the loop until the process has ended; a zombie has no command line any more.
    private func hasEnded(_ processID: Int32) -> Bool {
        let ticker = reactor.schedule(after: .milliseconds(5), repeating: .milliseconds(5)) {}
        defer { ticker.cancel() }
        return reactor.run(timeout: deadline) {
            !hasCommandLine(processID)
        }
    }

    /// With read(2), because the memory that Foundation reads into is never freed where the process ends between
    /// opening and reading.
    private func hasCommandLine(_ processID: Int32) -> Bool {
        let file = unsafe open("/proc/\(processID)/cmdline", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var byte: UInt8 = 0
        return unsafe read(file, &byte, 1) == 1
    }

    @Test func `83 · a command that never reads ends with its client, and gives its place back`() throws {
        let server = try server("echo $$; exec sleep 777", "--linger", "100ms", "--limit", "1")
        let (client, processID) = try client()
        client.write(String(repeating: String(repeating: "x", count: 999) + "\n", count: 360))
        client.endInput()
        client.signal(SIGKILL)
        _ = client.waitForExit()
        #expect(hasEnded(processID))
        server.waitFor("the command was ended by signal 15")
        #expect(try self.client().processID != processID)
    }

    @Test func `83 · input that a client left for a slow command is not cut off when it goes`() throws {
        let server = try server("sleep 0.2; wc -c >&2")
        let line = String(repeating: "x", count: 999) + "\n"
        #expect(try run(reactor, "send", name, input: String(repeating: line, count: 300)).status == 0)
        server.waitFor("300000\n")
    }

    @Test func `83 · processes that a command leaves in the background end with it`() throws {
        let server = try server(
            #"sh -c 'trap "echo left gone >&2; exit" TERM; echo $$; while :; do sleep 0.1; done' & read line"#)
        let (client, processID) = try client()
        client.write("end\n")
        server.waitFor("left gone")
        #expect(client.waitForExit() == 0)
        #expect(hasEnded(processID))
        server.waitFor("the command exited with 0")
    }

    @Test func `83 · processes that do not obey are killed`() throws {
        let server = try server(
            #"sh -c 'trap "" TERM HUP; echo $$; while :; do sleep 0.1; done' & read line"#)
        let (client, processID) = try client()
        client.write("end\n")
        #expect(client.waitForExit() == 0)
        #expect(hasEnded(processID))
        server.waitFor("the command exited with 0")
    }

    @Test func `83 · a process that has left the group and has the output open does not hold the connection`() throws {
        let server = try server("setsid sleep 20 & echo $$; read line")
        let (client, _) = try client()
        client.write("end\n")
        #expect(client.waitForExit() == 0)
        server.waitFor("the command exited with 0")
    }

    @Test func `83 · a command ends with a server that is killed`() throws {
        let server = try server("echo $$; exec sleep 777")
        let (client, processID) = try client()
        server.signal(SIGKILL)
        #expect(hasEnded(processID))
        _ = client
    }

    @Test func `83 · SIGHUP ends commands and the server, in order`() throws {
        let server = try server("echo $$; exec sleep 777", "--linger", "50ms", "--grace", "50ms")
        let (client, processID) = try client()
        server.signal(SIGHUP)
        #expect(server.waitForExit() == 0)
        #expect(hasEnded(processID))
        #expect(server.text.contains("the command was ended by signal 15"))
        _ = client
    }

    @Test func `83 · commands that end at once lose nothing and leave nothing`() throws {
        let server = try server("echo out; exit 7")
        for _ in 0..<20 {
            // Its own line may find no reader any more, and is then reported as undelivered on standard error.
            #expect(try run(reactor, "connect", name, input: "x\n", errors: .dropped).lines == ["out"])
        }
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.lines.count { $0.hasSuffix("the command exited with 7") } == 20)
    }
}

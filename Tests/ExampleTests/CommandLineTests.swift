// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import Testing

/// How every example treats its command line and what it inherits from its parent.
struct CommandLineTests {
    #if Service
    private static let services = ["LogCollector"]
    #else
    private static let services: [String] = []
    #endif

    private static let all = ["ActorRoom", "Chat", "EchoServer", "KeyValue", "LanguageServer", "Metronome"] + services

    private let stage: Stage

    init() throws { stage = try Stage() }

    /// The output of a shell and its exit status, with `$0` the program and `$1` an address in a directory of the test.
    private func run(_ script: String, _ name: String) throws -> (lines: [String], status: Int32) {
        let shell = try Example(
            command: ["sh", "-c", script, Example.path(name), stage.address.description], on: stage.reactor)
        let status = try shell.exitStatus()
        return (shell.lines, status)
    }

    @Test(arguments: all)
    func `an address that looks like an option is a mistake, not a pipe of that name`(name: String) throws {
        for mistake in ["--help", "-h", "-"] {
            let (lines, status) = try run("\"$0\" '\(mistake)' 2>&1", name)
            #expect(status == 2)
            #expect(lines.count == 1 && lines.first?.hasPrefix("usage: \(name) [") == true, "\(lines)")
        }
    }

    @Test(arguments: all)
    func `too many arguments are a mistake`(name: String) throws {
        let (lines, status) = try run("\"$0\" \"$1\" 2 3 4 5 6 2>&1", name)
        #expect(status == 2)
        #expect(lines.count == 1 && lines.first?.hasPrefix("usage: ") == true, "\(lines)")
    }

    @Test(arguments: all)
    func `77 · an argument that is not UTF-8 names nothing, rather than another place`(name: String) throws {
        let (lines, status) = try run("\"$0\" \"$1$(printf '\\351')\" 2>&1", name)
        #expect(status == 2)
        #expect(lines.first?.hasPrefix("usage: ") == true, "\(lines)")
    }

    @Test(arguments: all)
    func `81 · output that goes nowhere ends the program with the reason`(name: String) throws {
        let directory = "cd \"$(dirname \"$1\")\""
        let (lines, status) = try run(
            "\(Example.endsInTheMiddle); \(directory); \"$0\" \"$1\" 2>&1 >/dev/full", name)
        #expect(status == 1)
        #expect(lines.last?.contains("No space left on device") == true, "\(lines)")
    }

    @Test func `77 · closed standard descriptors do not become the program's own`() throws {
        let script = """
            "$0" "$1" <&- >&- 2>&- & until [ -S "$1" ]; do :; done; echo bound
            read -r _; readlink /proc/$!/fd/[012]; kill $!; wait $!
            """
        let shell = try Example(
            command: ["sh", "-c", script, Example.path("EchoServer"), stage.address.description], on: stage.reactor)
        try shell.waitForLine("bound")
        // The name is there a moment before a signal ends the server in order; an answer shows that its loop runs.
        let visitor = try Visitor(to: stage.address, on: stage.reactor)
        try visitor.send("hello")
        #expect(try visitor.messages(1) == ["hello"])
        try shell.type("")
        let status = try shell.exitStatus()
        #expect(shell.lines == ["bound", "/dev/null", "/dev/null", "/dev/null"])
        #expect(status == 0)
    }
}

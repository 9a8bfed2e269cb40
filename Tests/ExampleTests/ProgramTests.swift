// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import Testing

/// How programs of NamedPipesProgram end, by the program `Ending`, as a shell sees it.
@Suite(.timeLimit(.minutes(5)))
struct ProgramTests {
    private let stage: Stage

    init() throws { stage = try Stage() }

    /// The output of a shell, with `$0` the program and `$1` an address in a directory of the test. Each wait ends with
    /// what is waited for; `soon` waits for a line of the file `out`.
    private func run(_ script: String) throws -> [String] {
        let head = """
            cd "$(dirname "$1")"
            soon() { until grep -q "$1" out 2>/dev/null; do :; done; }
            """
        let shell = try Example(
            command: ["sh", "-c", "\(head)\n\(script)", Example.path("Ending"), stage.address.description],
            on: stage.reactor)
        #expect(try shell.exitStatus() == 0)
        return shell.lines
    }

    // MARK: Errors

    @Test(arguments: [
        ("mistake", "Ending: made a mistake\\u{A}on two lines", 1),
        ("failure", "Ending: gave up", 7),
        ("timeout", "Ending: timed out", 3),
        ("address", "Ending: invalid address: a socket path begins with a slash", 2),
        ("no-server", "Ending: no server at /nowhere (is it running?)", 1),
        ("async-cancelled", "Ending: CancellationError()", 1),
    ])
    func `an error is one line and a status`(way: String, line: String, status: Int) throws {
        #expect(try run("\"$0\" \(way) 2>&1; echo $?") == [line, "\(status)"])
    }

    @Test func `a failure without a message is only a status`() throws {
        #expect(try run("\"$0\" silent 2>&1; echo $?") == ["5"])
    }

    @Test func `the end of the function is the end of the program`() throws {
        #expect(try run("\"$0\" nothing 2>&1; echo $?") == ["0"])
    }

    @Test func `a client whose reactor never runs is named in a debug build`() throws {
        // Not those that another thread may use; and of a child that was forked, its parent's are not.
        let lines = try run(
            """
            \(Example.endsInTheMiddle)
            for way in run-before never-run-elsewhere never-run never-run-forked; do "$0" $way 2>&1; echo $?; done
            """)
        #if DEBUG
        let name = "NamedPipes (debug build)"
        #expect(lines.map { $0.hasPrefix(name) ? name : $0 } == ["0", "0", name, "0", name, "0"], "\(lines)")
        #else
        #expect(lines == ["0", "0", "0", "0"])
        #endif
    }

    @Test func `a name in use is one line that names the remedy, and status 1`() throws {
        let lines = try run(
            """
            "$0" async-serve "$1" >out & first=$!
            soon listening
            \(Example.endsInTheMiddle)
            "$0" async-serve "$1" 2>&1; echo $?
            kill $first; wait $first
            """)
        let problem = "belongs to a running server, process"
        #expect(lines.count == 2 && lines.last == "1", "\(lines)")
        #expect(lines.first?.hasPrefix("Ending: \(stage.address) \(problem)") == true, "\(lines)")
        #expect(lines.first?.hasSuffix(" (stop it, or take another name)") == true, "\(lines)")
    }

    @Test func `a handler that fails is reported, and the server serves on`() throws {
        let server = try Example(
            command: ["sh", "-c", "exec \"$0\" async-failing \"$1\" 2>&1", Example.path("Ending"), "\(stage.address)"],
            on: stage.reactor)
        try server.waitForLine("listening on ")
        let visitor = try Visitor(to: stage.address, on: stage.reactor)
        _ = try visitor.reasonOfEnd()
        try server.waitForLine("Ending: connection 1")
        let second = try Visitor(to: stage.address, on: stage.reactor)
        _ = try second.reasonOfEnd()
        server.signal(15)
        #expect(try server.exitStatus() == 0)
    }

    // MARK: Output

    @Test func `a printed line is in the file at once`() throws {
        #expect(try run("\"$0\" print-and-wait >out & soon printed; kill -KILL $!; cat out") == ["printed"])
    }

    @Test(arguments: ["print", "async-sleep", "async-serve \"$1\""])
    func `81 · output that cannot be written is a failure`(way: String) throws {
        let lines = try run("\(Example.endsInTheMiddle); \"$0\" \(way) 2>&1 >/dev/full; echo $?")
        #expect(lines.count == 2 && lines.last == "1", "\(lines)")
        let isNamed = lines.first?.contains("No space left") == true
        #expect(isNamed || lines.first == "Ending: standard output cannot be written", "\(lines)")
    }

    // MARK: Signals

    @Test(arguments: ["INT", "TERM", "HUP"])
    func `a signal stops an async server in order, with its name`(signal: String) throws {
        let lines = try run(
            """
            env --default-signal=INT,HUP "$0" async-serve "$1" >out & soon listening
            kill -\(signal) $!; wait $!; echo $?
            tail -n +2 out; [ ! -e "$1" ] || echo left
            """)
        #expect(lines == ["0", "stopped, stopping: true, cancelled: true"])
    }

    @Test func `a signal stops a pool in order, with its name`() throws {
        let lines = try run(
            """
            "$0" async-pool "$1" >out & soon listening
            kill $!; wait $!; echo $?
            tail -n +2 out; [ ! -e "$1" ] || echo left
            """)
        #expect(lines == ["0", "stopped"])
    }

    @Test func `a signal cancels an async function that has no part to stop`() throws {
        #expect(try run("\"$0\" async-sleep >out & soon ready; kill $!; wait $!; echo $?") == ["0"])
    }

    @Test func `an operation of its own kind is stopped in its own way, and may end with a CancellationError`() throws {
        let lines = try run("\"$0\" async-operation >out & soon ready; kill $!; wait $!; echo $?; cat out")
        #expect(lines == ["0", "ready", "stopping", "cancelled: true"])
    }

    @Test func `a signal that other code takes over is that code's, and a CancellationError then a good end`() throws {
        #expect(try run("\"$0\" async-dispatch >out & soon ready; kill $!; wait $!; echo $?") == ["0"])
    }

    @Test func `a signal ends a function without any part to stop by its default`() throws {
        #expect(try run("\"$0\" print-and-wait >out & soon printed; kill $!; wait $!; echo $?") == ["143"])
    }

    @Test func `a signal stops several servers in order, and then what they depend on`() throws {
        let program = try Example(
            command: [Example.path("Ending"), "two-servers", "\(stage.address)"], on: stage.reactor)
        try program.waitForLine("listening on ")
        let visitor = try Visitor(to: .init(parsing: "\(stage.address).far"), on: stage.reactor)
        #expect(try visitor.messages(1) == ["paused"])
        try visitor.send("hello")
        #expect(stage.reactor.run(timeout: .seconds(600)) { visitor.connection?.pendingByteCount == 0 })
        // Which the server reads only while it stops.
        program.signal(SIGTERM)
        #expect(try program.exitStatus() == 0)
        #expect(
            program.lines.dropFirst() == ["received 5 bytes", "stopped: true, true, the loop runs: true"],
            "\(program.lines)")
    }

    @Test func `the second signal ends a program that does not stop`() throws {
        // A child of the test's own, which is signalled only while it is one.
        let server = try Example(
            command: [Example.path("Ending"), "async-stuck", "\(stage.address)"], on: stage.reactor)
        try server.waitForLine("listening on ")
        let visitor = try Visitor(to: stage.address, on: stage.reactor)
        _ = try visitor.messages(1)
        server.signal(SIGTERM)
        // The name is given up at the first signal, which no event of the reactor tells.
        let path = "\(stage.address)"
        let look = stage.reactor.schedule(after: .zero, repeating: .milliseconds(10)) {}
        #expect(stage.reactor.run(timeout: .seconds(600)) { unsafe access(path, F_OK) != 0 })
        look.cancel()
        #expect(!server.hasEnded)
        // Signals that come at once belong to the first, so the second request is one of the later ones.
        let repetition = stage.reactor.schedule(after: .milliseconds(100), repeating: .milliseconds(100)) {
            server.signal(SIGTERM)
        }
        defer { repetition.cancel() }
        #expect(try server.exitStatus() == 143)
    }

    @Test(arguments: ["reactor", "async-sleep", "async-serve \"$1\""])
    func `77 · a signal that came before the program did is not lost`(way: String) throws {
        let early = "env --block-signal=TERM sh -c 'kill -TERM $$; exec \"$0\" \"$@\"' \"$0\" \(way)"
        let lines = try run("\(early) >out 2>&1 & wait $!; echo $?; [ ! -e \"$1\" ] || echo left")
        // Without an async function, the signal may come before there is anything to stop.
        #expect(lines == ["0"] || (way == "reactor" && lines == ["143"]), "\(lines)")
    }

    @Test func `77 · a signal that the parent ignores stays ignored`() throws {
        let lines = try run(
            """
            env --ignore-signal=TERM --default-signal=HUP "$0" async-serve "$1" >out 2>&1 & soon listening
            kill -TERM $!; kill -TERM $!; kill -HUP $!; wait $!; echo $?
            """)
        #expect(lines == ["0"])
    }

    @Test func `77 · signals that the parent blocks are unblocked`() throws {
        let lines = try run(
            "env --block-signal=TERM \"$0\" async-sleep >out & soon ready; kill $!; wait $!; echo $?")
        #expect(lines == ["0"])
    }
}

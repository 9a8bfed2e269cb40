// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

@testable import pipectl

/// `pipectl` as its users run it: a process with a command line, streams and an exit status.
final class Tool {
    enum Errors: String {
        case merged = "2>&1"
        case dropped = "2>/dev/null"
    }

    private let reactor: Reactor
    private var process: ChildProcess?
    private(set) var output: [UInt8] = []

    /// Starts it. Everything has a deadline, and a process that still runs at the end of a test is killed.
    ///
    /// - Parameters:
    ///   - redirection: as in a shell, such as `</dev/null`; without one, standard input is ``write(_:)``.
    ///   - assignment: variables of its environment, as in a shell, or commands that change what it inherits.
    convenience init(
        _ reactor: Reactor, _ arguments: [String], errors: Errors = .merged, redirection: String = "",
        assignment: String = ""
    ) throws {
        try self.init(
            reactor, command: [Self.program] + arguments, errors: errors, redirection: redirection,
            assignment: assignment)
    }

    /// Another program, under the same conditions.
    init(
        _ reactor: Reactor, command: [String], errors: Errors, redirection: String = "", assignment: String = ""
    ) throws {
        self.reactor = reactor
        // A crowded machine may keep a process from its heartbeats for longer than the usual five seconds.
        let script =
            "export PIPECTL_SESSION_TIMEOUT=600s; \(assignment) exec \"$0\" \"$@\" \(errors.rawValue) \(redirection)"
        let command = ["/bin/sh", "-c", script] + command
        process = try ChildProcess(reactor, command) { [unowned self] in output += $0 }
    }

    /// In the directory of the program that runs the tests: both were built together.
    static var program: String {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appending(path: "pipectl").path
    }

    /// The output so far.
    var text: String { String(decoding: output, as: UTF8.self) }

    var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init) }

    func write(_ text: String) { process?.write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) { process?.write(bytes) }

    func endInput() { process?.closeInput() }

    /// SIGTERM.
    func terminate() { process?.terminate() }

    func signal(_ number: Int32) { process?.signal(number) }

    /// SIGSTOP. No thread of the program runs any more when this returns.
    func suspend() {
        guard let processID = process?.processID else { return }
        signal(SIGSTOP)
        var information = unsafe siginfo_t()
        unsafe #expect(waitid(P_PID, id_t(processID), &information, WSTOPPED | WEXITED | WNOWAIT) == 0)
    }

    /// SIGTERM until the program has ended. Those that come at once belong to the first, so the second request is one
    /// of the later ones.
    func terminateUntilItEnds() -> Int32? {
        terminate()
        let repetition = reactor.schedule(after: .milliseconds(100), repeating: .milliseconds(100)) { [weak self] in
            self?.terminate()
        }
        defer { repetition.cancel() }
        return waitForExit()
    }

    /// Runs the loop until the program has printed this.
    func waitFor(_ text: String, _ location: SourceLocation = #_sourceLocation) {
        var searched = 0
        var isFound = false
        reactor.run(timeout: deadline) {
            // Only new output, and as much before it as the beginning of the text could be.
            isFound = output[searched...].firstRange(of: text.utf8) != nil
            searched = max(0, output.count - text.utf8.count)
            return isFound || process?.exitStatus != nil
        }
        #expect(isFound, "waited for '\(text)', got '\(self.text.suffix(2000))'", sourceLocation: location)
    }

    /// Runs the loop until the program has ended.
    func waitForExit() -> Int32? {
        reactor.run(timeout: deadline) { process?.exitStatus != nil }
        return process?.exitStatus
    }
}

/// Long enough for a busy machine and a sanitizer.
let deadline = Duration.seconds(120)

/// Starts a server command and waits until clients can connect.
func serve(_ reactor: Reactor, _ arguments: String..., errors: Tool.Errors = .merged) throws -> Tool {
    let tool = try Tool(reactor, arguments, errors: errors)
    if errors == .merged { tool.waitFor("listening on ") }
    return tool
}

/// Starts a server command that offers ADDRESS.stat, and waits until that answers: it appears a moment after the server
/// listens.
func serveWithStatistics(_ reactor: Reactor, _ command: String, _ address: String, _ options: String...) throws -> Tool
{
    let tool = try Tool(reactor, [command, address] + options)
    tool.waitFor("listening on ")
    let start = ContinuousClock.now
    while true {
        let top = try run(reactor, "top", address, "--once", "--json", "--timeout", "600s")
        if top.status == 0 { return tool }
        try #require(.now - start < deadline, "never offered: \(top.lines)")
    }
}

/// Runs a command to its end, with a text as its standard input.
func run(
    _ reactor: Reactor, _ arguments: String..., input: String? = nil, errors: Tool.Errors = .merged,
    redirection: String = ""
) throws -> (status: Int32?, lines: [String]) {
    try run(reactor, arguments, input: input, errors: errors, redirection: redirection)
}

/// As above, with arguments of any number.
func run(
    _ reactor: Reactor, _ arguments: [String], input: String? = nil, errors: Tool.Errors = .merged,
    redirection: String = "", assignment: String = ""
) throws -> (status: Int32?, lines: [String]) {
    let tool = try Tool(reactor, arguments, errors: errors, redirection: redirection, assignment: assignment)
    if let input { tool.write(input) }
    tool.endInput()
    let status = tool.waitForExit()
    return (status, tool.lines)
}

/// A name without a file, which no other process has.
func freshName() -> String { "@pipectl-tests-\(UInt64.random(in: .min ... .max))" }

/// Whether processes can have namespaces of their own (unshare(1)), with this option.
func canUnshare(_ option: String) -> Bool {
    guard geteuid() == 0, isInstalled("unshare"), let reactor = try? Reactor() else { return false }
    defer { reactor.stop(); reactor.run() }
    let tool = try? Tool(reactor, command: ["unshare", option, "/bin/true"], errors: .merged)
    return tool?.waitForExit() == 0
}

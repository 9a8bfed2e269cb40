// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import NamedPipesProgram
import Testing

/// `pipectl` on a terminal of its own (pty(7)), at whose other end the test sits as its user.
final class TerminalTool {
    private let reactor: Reactor
    private let child: ChildGroup
    /// The end of whoever types and sees.
    private let descriptor: Int32
    private var watch: DescriptorWatch?
    private var end: ProcessEnd?
    private var output: [UInt8] = []

    /// What the terminal shows.
    private(set) var screen = Screen()

    /// - Parameters:
    ///   - environment: variables besides `TERM`, which is `xterm` unless given here.
    ///   - script: of a shell with job control, which gets the program and its arguments as `$0` and `$@`. Without one,
    ///     the program itself leads the session.
    init(
        _ reactor: Reactor, _ arguments: [String], environment: [String: String] = [:], script: String? = nil
    ) throws {
        self.reactor = reactor
        let (ours, theirs) = try openTerminal()
        descriptor = ours
        defer { close(theirs) }
        // A session of its own, whose terminal this is: the kernel sends it SIGINT for ^C.
        let setsid = "/usr/bin/setsid"
        let shell = script.map { ["/bin/sh", "-m", "-c", $0] } ?? []
        let command = [setsid, "--ctty", "--wait"] + shell + [Tool.program] + arguments
        var program = ChildProgram(path: setsid, arguments: command.map { Array($0.utf8) })
        program.environment.removeAll { $0.starts(with: "NO_COLOR=".utf8) || $0.starts(with: "CI=".utf8) }
        program.set("PIPECTL_SESSION_TIMEOUT", to: "600s")
        for (name, value) in ["TERM": "xterm"].merging(environment, uniquingKeysWith: { $1 }) {
            program.set(name, to: value)
        }
        child = ChildGroup(try program.start(input: theirs, output: theirs, error: theirs))
        watch = try reactor.watch(descriptor, for: .reading) { [unowned self] in read() }
    }

    deinit {
        watch?.cancel()
        // The session ends with its terminal (SIGHUP).
        close(descriptor)
        guard end == nil else { return }
        child.signal(SIGKILL)
        _ = waitpid(child.processID, nil, 0)
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
        guard count <= 0 else {
            output += buffer[..<count]
            return screen.show(buffer[..<count])
        }
        // EIO: the last process has left the terminal.
        watch?.cancel()
        collect()
    }

    private func collect() {
        end = child.collect()
        if end == nil { reactor.schedule(after: .milliseconds(2)) { [weak self] in self?.collect() } }
    }

    /// All that was printed, commands to the terminal included.
    var text: String { String(decoding: output, as: UTF8.self) }

    /// Presses keys: Return is `\r`.
    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        #expect(unsafe write(descriptor, bytes, bytes.count) == bytes.count)
    }

    /// Whether the terminal is as a shell has it: it edits lines itself, echoes, and knows ^C (termios(3)).
    var isAsFound: Bool {
        var settings = termios()
        let flags = tcflag_t(ICANON | ECHO | ISIG)
        return unsafe tcgetattr(descriptor, &settings) == 0 && settings.c_lflag & flags == flags
    }

    /// Runs the loop until the terminal shows what is wanted.
    func waitUntil(_ location: SourceLocation = #_sourceLocation, _ condition: (Screen) -> Bool) {
        let isSo = reactor.run(timeout: deadline) { condition(screen) || end != nil } && condition(screen)
        #expect(isSo, "shows \(screen.lines)", sourceLocation: location)
    }

    /// Runs the loop until the terminal shows a text.
    func waitFor(_ text: String, _ location: SourceLocation = #_sourceLocation) {
        waitUntil(location) { $0.lines.contains { $0.contains(text) } }
    }

    /// Runs the loop until the program has ended.
    func waitForExit() -> ProcessEnd? {
        reactor.run(timeout: deadline) { end != nil }
        return end
    }
}

/// Both ends of a new terminal (ioctl_tty(2)).
private func openTerminal() throws -> (ours: Int32, theirs: Int32) {
    // TIOCSPTLCK and TIOCGPTPEER, macros that Swift does not see.
    let (unlock, openPeer): (UInt, UInt) = (0x4004_5431, 0x5441)
    let ours = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var isLocked: Int32 = 0
    let outcome = unsafe ioctl(ours, unlock, &isLocked)
    try #require(outcome == 0)
    let theirs = ioctl(ours, openPeer, O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(theirs >= 0)
    return (ours, theirs)
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes

/// `socat` or `nc`, which do not know about messages: lines go in, lines come back. They talk to the server whose
/// framing is the line feed. The whole text is on its way at once.
final class RawStranger: Stranger {
    let name: String
    private(set) var tally = Tally()
    let isReady = true
    private var process: ChildProcess?
    private var splitter = LineSplitter()
    private let lines: [[UInt8]]
    private var line = 0
    private var isSending = false

    /// Nil if no suitable program is installed.
    init?(_ reactor: Reactor, _ address: PipeAddress, lines: [[UInt8]]) throws {
        guard let command = Self.command(for: address.path ?? "") else { return nil }
        name = String(command[0].prefix { $0 != "." })
        self.lines = lines
        process = try ChildProcess(reactor, command) { [unowned self] in read($0) }
    }

    var exitStatus: Int32? { process?.exitStatus }

    func start() {
        isSending = true
        sendText()
    }

    /// The program finishes its half of the connection when its input ends; the server answers by closing.
    func finish() {
        isSending = false
        if line == 0 { process?.closeInput() }
    }

    private func sendText() {
        tally.sentCount += lines.count
        process?.write(Array(lines.map { $0 + [UInt8(ascii: "\n")] }.joined()))
    }

    private func read(_ bytes: ArraySlice<UInt8>) {
        for reply in splitter.append(bytes) {
            if reply == lines[line] {
                tally.rightCount += 1
                tally.byteCount += reply.count
            } else {
                tally.wrongCount += 1
            }
            line += 1
            guard line == lines.count else { continue }
            line = 0
            if isSending { sendText() } else { process?.closeInput() }
        }
    }

    private static func command(for path: String) -> [String]? {
        if isInstalled("socat") { return ["socat", "-", "UNIX-CONNECT:\(path)"] }
        if isInstalled("ncat") { return ["ncat", "-U", path] }
        // Other variants of nc have no Unix sockets.
        return isInstalled("nc.openbsd") ? ["nc.openbsd", "-N", "-U", path] : nil
    }
}

/// Whether a program is in `PATH`.
func isInstalled(_ program: String) -> Bool { executablePath(of: program) != nil }

/// The path of a program: the given path, or else in one of the directories of `PATH`.
func executablePath(of program: String) -> String? {
    if program.utf8.contains(UInt8(ascii: "/")) { return program }
    let directories = (environment("PATH") ?? "/usr/bin:/bin").unicodeScalars.split(separator: ":")
    return directories.map { "\(String($0))/\(program)" }.first { unsafe access($0, X_OK) == 0 }
}

// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import NamedPipes
import Testing

@testable import pipectl

/// The program of an example, running as a child process. Its output arrives on the test's own reactor.
///
/// It uses the child processes of pipectl's demonstration, because Foundation's leak a little, which LeakSanitizer
/// would count.
final class Example {
    private(set) var lines: [String] = []

    private let reactor: Reactor
    private var process: ChildProcess?
    private var unfinishedLine: [UInt8] = []

    convenience init(_ name: String, _ arguments: String..., on reactor: Reactor) throws {
        try self.init(command: [Self.path(name)] + arguments, on: reactor)
    }

    /// Starts a program other than an example, found in `PATH`.
    init(command: [String], on reactor: Reactor) throws {
        self.reactor = reactor
        process = try ChildProcess(reactor, command) { [unowned self] in readOutput($0) }
    }

    /// An example's program, which is beside this test's own.
    static func path(_ name: String) -> String {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: name).path
    }

    /// For a shell that starts a program which ends with everything that it has made: LeakSanitizer does not find the
    /// side table of an object that is referenced weakly (32 bytes; .ci/side-tables), and would add its report.
    static let endsInTheMiddle = "export ASAN_OPTIONS=detect_leaks=0"

    /// Runs the reactor until the program has printed a line with this beginning.
    func waitForLine(_ beginning: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let isThere = reactor.run(timeout: .seconds(120)) { lines.contains { $0.hasPrefix(beginning) } }
        try #require(isThere, "no line '\(beginning)' in \(lines)", sourceLocation: sourceLocation)
    }

    func type(_ line: String) throws { process?.write(Array("\(line)\n".utf8)) }

    func endInput() throws { process?.closeInput() }

    func signal(_ number: Int32) { process?.signal(number) }

    /// Whether the program was seen to end.
    var hasEnded: Bool { process?.exitStatus != nil }

    /// Runs the reactor until the program has ended, and returns its exit status.
    func exitStatus(sourceLocation: SourceLocation = #_sourceLocation) throws -> Int32 {
        reactor.run(timeout: .seconds(30)) { process?.exitStatus != nil }
        return try #require(process?.exitStatus, "the program goes on", sourceLocation: sourceLocation)
    }

    private func readOutput(_ bytes: ArraySlice<UInt8>) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(String(decoding: unfinishedLine, as: UTF8.self))
                unfinishedLine = []
            } else {
                unfinishedLine.append(byte)
            }
        }
    }
}

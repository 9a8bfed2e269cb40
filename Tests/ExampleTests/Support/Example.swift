// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import Testing

/// The program of an example, running as a child process. What it prints arrives on the test's own reactor.
final class Example {
    private(set) var lines: [String] = []

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let reactor: Reactor
    private var watch: DescriptorWatch?
    private var unfinishedLine: [UInt8] = []

    init(_ name: String, _ arguments: String..., on reactor: Reactor) throws {
        self.reactor = reactor
        process.executableURL = try #require(Self.buildDirectory).appending(path: name)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        // The end is noticed on another thread; waking the reactor has the waiting condition asked again.
        process.terminationHandler = { [executor = reactor.executor] _ in executor.post { _ in } }
        watch = try reactor.watch(output.fileHandleForReading.fileDescriptor, for: .reading) { [unowned self] in
            readOutput()
        }
        try process.run()
    }

    deinit {
        watch?.cancel()
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        // Until it has seen the end, Foundation's object holds itself.
        process.waitUntilExit()
        process.terminationHandler = nil
    }

    /// Where this test's own program lies, and the examples beside it.
    private static var buildDirectory: URL? {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return own.map { URL(filePath: $0).deletingLastPathComponent() }
    }

    /// Runs the reactor until the program has printed a line that begins like this.
    func waitForLine(_ beginning: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let isThere = reactor.run(timeout: .seconds(30)) { lines.contains { $0.hasPrefix(beginning) } }
        try #require(isThere, "no line '\(beginning)' in \(lines)", sourceLocation: sourceLocation)
    }

    func type(_ line: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
    }

    func endInput() throws { try input.fileHandleForWriting.close() }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Runs the reactor until the program has ended, and returns its exit status.
    func exitStatus(sourceLocation: SourceLocation = #_sourceLocation) throws -> Int32 {
        let hasEnded = reactor.run(timeout: .seconds(30)) { !process.isRunning }
        try #require(hasEnded, "the program goes on", sourceLocation: sourceLocation)
        try #require(process.terminationReason == .exit, sourceLocation: sourceLocation)
        return process.terminationStatus
    }

    private func readOutput() {
        let data = output.fileHandleForReading.availableData
        if data.isEmpty { watch?.cancel() }
        for byte in data {
            if byte == UInt8(ascii: "\n") {
                lines.append(String(decoding: unfinishedLine, as: UTF8.self))
                unfinishedLine = []
            } else {
                unfinishedLine.append(byte)
            }
        }
    }
}

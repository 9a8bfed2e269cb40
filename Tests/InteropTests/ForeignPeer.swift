// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A program in another language, running beside the test. The programs are in `Peers`.
///
/// Nothing here waits, because the test's thread runs the reactor that the program talks to. So the program's output
/// goes to files, and the check for its end does not block. A program that still runs when the test releases it is
/// ended.
final class ForeignPeer {
    /// How a program ended.
    enum Outcome: Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    private let directory: URL
    private let processID: pid_t
    private var outcome: Outcome?

    /// Starts a program of `Peers`.
    ///
    /// - Parameters:
    ///   - script: its file name; the extension selects the interpreter.
    ///   - arguments: the arguments after the script. A `--timeout` is added, so that a forgotten program ends.
    init(_ script: String, _ arguments: [String]) throws {
        let interpreter = ForeignPeer.interpreter(of: script)
        let executable = try #require(ForeignPeer.find(interpreter), "\(interpreter) is not on PATH")
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/\(script)").path()
        directory = FileManager.default.temporaryDirectory.appending(path: "peer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        processID = try Spawned.start(
            executable, [interpreter, path] + arguments + ["--timeout", "600"],
            standardOutput: directory.appending(path: "output").path(),
            standardError: directory.appending(path: "errors").path())
    }

    deinit {
        if !hasExited { Spawned.end(processID) }
        try? FileManager.default.removeItem(at: directory)
    }

    /// Whether the program has ended by now.
    var hasExited: Bool {
        if outcome == nil { outcome = Spawned.outcome(of: processID) }
        return outcome != nil
    }

    /// The lines that the program has printed so far.
    var output: [String] { lines(of: "output") }

    /// The lines of its standard error so far.
    var errors: [String] { lines(of: "errors") }

    /// Expects that the program succeeded and printed these lines, and reports its standard error if not.
    func expectSuccess(printing expected: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(hasExited, "still running", sourceLocation: sourceLocation)
        #expect(errors == [], sourceLocation: sourceLocation)
        #expect(output == expected, sourceLocation: sourceLocation)
        #expect(outcome == .exited(0), sourceLocation: sourceLocation)
    }

    private func lines(of name: String) -> [String] {
        // By handle, because Foundation's reading of whole files leaks a buffer for each empty one.
        guard let file = try? FileHandle(forReadingFrom: directory.appending(path: name)) else { return [] }
        defer { try? file.close() }
        let content = (try? file.readToEnd()).flatMap { $0 } ?? Data()
        return String(decoding: content, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

extension ForeignPeer {
    static func interpreter(of script: String) -> String {
        switch URL(filePath: script).pathExtension {
        // Debian's modules belong to Debian's Python, whichever Python comes first in PATH.
        case "py" where script.hasPrefix("lsp_") || script.hasPrefix("protobuf_"): "/usr/bin/python3"
        case "py": "python3"
        case "escript": "escript"
        case "mjs": "node"
        default: "sh"
        }
    }

    /// The file of a command, as the shell would find it in `PATH`.
    static func find(_ command: String) -> String? {
        if command.hasPrefix("/") { return FileManager.default.isExecutableFile(atPath: command) ? command : nil }
        let directories = ProcessInfo.processInfo.environment["PATH", default: "/usr/bin:/bin"].split(separator: ":")
        return directories.map { "\($0)/\(command)" }.first(where: FileManager.default.isExecutableFile)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test, with a message, where a command is not installed. With `REQUIRE_FOREIGN_PEERS` in the environment,
    /// as in continuous integration, the test runs all the same and fails.
    static func requires(_ commands: String...) -> Self {
        let missing = commands.filter { ForeignPeer.find($0) == nil }
        return .enabled(if: isStrict || missing.isEmpty, "not on PATH: \(missing.joined(separator: ", "))")
    }

    /// Skips a test, in the same way, where Debian's Python lacks this module.
    static func requiresModule(_ module: String) -> Self {
        let path = "/usr/lib/python3/dist-packages/\(module)"
        return .enabled(if: isStrict || FileManager.default.fileExists(atPath: path), "not installed: \(module)")
    }

    /// Skips a test, in the same way, where `.ci/install-peers` has not installed the packages from PyPI.
    static var requiresIndexPackages: Self {
        let path = URL(filePath: #filePath).deletingLastPathComponent().path() + "../../.build/peers/jsonrpcserver"
        return .enabled(
            if: isStrict || FileManager.default.fileExists(atPath: path), "not installed: see .ci/install-peers")
    }

    private static var isStrict: Bool { ProcessInfo.processInfo.environment["REQUIRE_FOREIGN_PEERS"] != nil }
}

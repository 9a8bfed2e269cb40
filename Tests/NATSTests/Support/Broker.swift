// SPDX-License-Identifier: Apache-2.0
#if NATS
import Foundation
import Glibc
import NamedPipesProgram
import PipeTestSupport
import Testing

@testable import NamedPipesNATS

/// A real nats-server on the loopback address, at a port of the kernel's choice, which it keeps when it is started
/// again. It ends with the test.
final class Broker {
    private let directory: FreshDirectory
    private let options: [String]
    private var processID: Int32?
    private(set) var port = 0

    /// - Parameter options: more options of its command line.
    init(_ loop: Loop, _ options: [String] = []) throws {
        directory = try FreshDirectory()
        self.options = options
        try start(loop)
    }

    /// - Parameter configuration: the content of its configuration file.
    init(_ loop: Loop, configuration: String) throws {
        directory = try FreshDirectory()
        let path = "\(directory.path)/nats.conf"
        try configuration.write(toFile: path, atomically: false, encoding: .utf8)
        options = ["-c", path]
        try start(loop)
    }

    deinit { kill() }

    var url: String { "nats://127.0.0.1:\(port)" }

    /// Starts it, and waits until it listens.
    func start(_ loop: Loop) throws {
        let path = try #require(Self.path)
        let place = "\(directory.path)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        let arguments =
            [path, "-a", "127.0.0.1", "-p", port == 0 ? "-1" : "\(port)", "--ports_file_dir", place] + options
        let null = OwnedDescriptor(taking: unsafe open("/dev/null", O_RDWR | O_CLOEXEC))
        var program = ChildProgram(path: path, arguments: arguments.map { Array($0.utf8) })
        program.parentDeathSignal = SIGKILL
        processID = try program.start(input: null.rawValue, output: null.rawValue, error: null.rawValue)
        try #require(loop.poll { Self.readPort(in: place).map { port = $0 } != nil }, "nats-server did not start")
    }

    /// Ends it at once (SIGKILL).
    func kill() {
        guard let processID else { return }
        var status: Int32 = 0
        _ = Glibc.kill(processID, SIGKILL)
        unsafe waitpid(processID, &status, 0)
        self.processID = nil
    }

    /// Stops it, so that it is there and answers nothing, or lets it go on.
    func signal(_ signal: Int32) { if let processID { _ = Glibc.kill(processID, signal) } }

    /// From a file like `{"nats":["nats://127.0.0.1:40113"]}`, once it is written.
    private static func readPort(in directory: String) -> Int? {
        guard
            let name = try? FileManager.default.contentsOfDirectory(atPath: directory).first(where: {
                $0.hasSuffix(".ports")
            }),
            let file = FileHandle(forReadingAtPath: "\(directory)/\(name)")
        else { return nil }
        defer { try? file.close() }
        let text = String(decoding: (try? file.readToEnd()).flatMap { $0 } ?? Data(), as: UTF8.self)
        guard let colon = text.lastIndex(of: ":"), text.hasSuffix("}") || text.hasSuffix("}\n") else { return nil }
        return Int(text[text.index(after: colon)...].prefix { $0.isNumber })
    }

    static let path = ["/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test, with a message, where nats-server is not installed. With `REQUIRE_FOREIGN_PEERS` in the
    /// environment, as in continuous integration, the test runs all the same and fails.
    static var requiresBroker: Self {
        let isStrict = ProcessInfo.processInfo.environment["REQUIRE_FOREIGN_PEERS"] != nil
        return .enabled(if: isStrict || Broker.path != nil, "nats-server is not installed")
    }
}
#endif

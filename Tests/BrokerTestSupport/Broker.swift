// SPDX-License-Identifier: Apache-2.0
internal import Foundation
package import PipeTestSupport
package import Testing

/// A real nats-server on the loopback address, at a port of the kernel's choice, which it keeps when it is started
/// again. It ends with the test.
package final class Broker {
    private let directory: FreshDirectory
    private let options: [String]
    private var process: TestProcess?
    package private(set) var port = 0

    /// - Parameters:
    ///   - options: more options of its command line.
    ///   - storesStreams: whether it has JetStream, whose files outlive its process.
    package init(_ loop: Loop, _ options: [String] = [], storesStreams: Bool = false) throws {
        directory = try FreshDirectory()
        self.options = options + (storesStreams ? ["-js", "-sd", "\(directory.path)/streams"] : [])
        try start(loop)
    }

    /// - Parameter configuration: the content of its configuration file.
    package init(_ loop: Loop, configuration: String) throws {
        directory = try FreshDirectory()
        let path = "\(directory.path)/nats.conf"
        try configuration.write(toFile: path, atomically: false, encoding: .utf8)
        options = ["-c", path]
        try start(loop)
    }

    package var url: String { "nats://127.0.0.1:\(port)" }

    /// Starts it, and waits until it listens.
    package func start(_ loop: Loop) throws {
        guard let path = Self.path else { throw Problem.notInstalled }
        let place = "\(directory.path)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        let arguments = ["-a", "127.0.0.1", "-p", port == 0 ? "-1" : "\(port)", "--ports_file_dir", place]
        process = try TestProcess(path, arguments + options)
        guard loop.poll({ Self.readPort(in: place).map { port = $0 } != nil }) else { throw Problem.doesNotListen }
    }

    private enum Problem: Error {
        case notInstalled, doesNotListen
    }

    /// Ends it at once (`SIGKILL`).
    package func kill() { process = nil }

    /// Lets it end in order (`SIGTERM`), and waits for that.
    package func stop() {
        process?.signal(SIGTERM)
        process?.waitForEnd()
        process = nil
    }

    /// Stops it, so that it is there and answers nothing, or lets it go on.
    package func signal(_ signal: Int32) { process?.signal(signal) }

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

    package static let path = ["/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test, with a message, where nats-server is not installed. With `REQUIRE_FOREIGN_PEERS` in the
    /// environment, as in continuous integration, the test runs all the same and fails.
    package static var requiresBroker: Self {
        let isStrict = ProcessInfo.processInfo.environment["REQUIRE_FOREIGN_PEERS"] != nil
        return .enabled(if: isStrict || Broker.path != nil, "nats-server is not installed")
    }
}

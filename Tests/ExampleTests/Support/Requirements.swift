// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Trait where Self == ConditionTrait {
    /// Skips a test, with a message, where a command is not installed. With `REQUIRE_FOREIGN_PEERS` in the environment,
    /// as in continuous integration, the test runs all the same and fails.
    static func requires(_ commands: String...) -> Self {
        let environment = ProcessInfo.processInfo.environment
        let directories = environment["PATH", default: "/usr/bin:/bin"].split(separator: ":")
        let missing = commands.filter { command in
            !directories.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(command)") }
        }
        let isStrict = environment["REQUIRE_FOREIGN_PEERS"] != nil
        return .enabled(if: isStrict || missing.isEmpty, "not on PATH: \(missing.joined(separator: ", "))")
    }
}

enum PythonModule {
    /// Whether `.ci/install-peers` has installed a module.
    static func isThereInPeers(_ name: String) -> Bool {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        return FileManager.default.fileExists(atPath: root.appending(path: ".build/peers/\(name)").path)
            || ProcessInfo.processInfo.environment["REQUIRE_FOREIGN_PEERS"] != nil
    }

    /// Whether the `python3` on PATH has a module that comes from PyPI, because no distribution packages the tested
    /// version.
    static func isThere(_ name: String) -> Bool {
        let python = Process()
        python.executableURL = URL(filePath: "/usr/bin/env")
        python.arguments = ["python3", "-c", "import \(name)"]
        python.standardError = FileHandle.nullDevice
        guard (try? python.run()) != nil else { return false }
        python.waitUntilExit()
        return python.terminationStatus == 0
    }
}

// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

/// A directory of one test, removed with it.
final class Directory {
    let path: String

    /// - Parameter mode: its permission bits.
    init(mode: Int = 0o700) throws {
        path = "/tmp/pipectl-test-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        // Whatever the umask.
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

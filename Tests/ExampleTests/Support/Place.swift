// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes

/// An address in a directory of one test. The directory is removed with the test, and with it what a killed program
/// left.
final class Place {
    let address: PipeAddress

    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "example-\(UUID())")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        address = try .path(directory.appending(path: "socket").path)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }
}

// SPDX-License-Identifier: Apache-2.0

/// The environment on which the locations of addresses depend: a value, so that tests need not change the process's
/// environment.
package struct AddressEnvironment {
    /// The effective user (`geteuid(2)`).
    package var userID: UInt32

    /// `XDG_RUNTIME_DIR`, nil if unset.
    package var xdgRuntimeDirectory: String?

    /// `TMPDIR`, nil if unset.
    package var tmpDirectory: String?

    /// Tells whether a directory exists at a path.
    package var isDirectory: (String) -> Bool

    /// The environment of this process, read now.
    package static var current: AddressEnvironment {
        AddressEnvironment(
            userID: CurrentProcess.effectiveUserNumber,
            xdgRuntimeDirectory: EnvironmentVariable.text("XDG_RUNTIME_DIR"),
            tmpDirectory: EnvironmentVariable.text("TMPDIR"),
            isDirectory: { FileStatus.following($0)?.kind == .directory })
    }

    /// The runtime directory in the order that ``PipeAddress/runtime(_:)`` documents, whether it exists or not.
    ///
    /// Root ignores the variable: after `sudo -E` or `su` it names a directory of the calling user.
    var runtimeDirectory: String? {
        if userID == 0 { return "/run" }
        if let directory = xdgRuntimeDirectory.flatMap(Self.absolute) { return directory }
        let directory = "/run/user/\(userID)"
        return isDirectory(directory) ? directory : nil
    }

    var existingRuntimeDirectory: String? {
        runtimeDirectory.flatMap { isDirectory($0) ? $0 : nil }
    }

    /// The directory for this user's names where there is no runtime directory: a container, cron, many CI machines.
    var privateDirectory: String { "\(temporaryDirectory)/named-pipes-\(userID)" }

    var temporaryDirectory: String {
        tmpDirectory.flatMap(Self.absolute) ?? "/tmp"
    }

    /// The path without trailing slashes, or nil if it is empty or relative.
    private static func absolute(_ path: String) -> String? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        guard let last = path.utf8.lastIndex(where: { $0 != UInt8(ascii: "/") }) else { return "" }
        return String(path[...last])
    }
}

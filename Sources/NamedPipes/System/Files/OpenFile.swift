// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Calls on a small open file.
enum OpenFile {
    /// Sets its permission bits (`fchmod(2)`).
    static func setMode(_ file: borrowing OwnedDescriptor, _ mode: UInt16) throws(SystemError) {
        let descriptor = file.rawValue
        _ = try systemCall("fchmod") { fchmod(descriptor, mode_t(mode)) }
    }

    /// Gives it its owner, group and mode (`fchown(2)`, `fchmod(2)`); the owner first, for whom the mode is meant.
    static func furnish(
        _ file: borrowing OwnedDescriptor, _ permissions: SocketPermissions, mode: UInt16
    ) throws(SystemError) {
        let number = file.rawValue
        if permissions.userID != nil || permissions.groupID != nil {
            _ = try systemCall("fchown") {
                fchown(number, permissions.userID ?? uid_t.max, permissions.groupID ?? gid_t.max)
            }
        }
        try setMode(file, mode)
    }

    /// Sets its times to now (`futimens(3)`). A failure changes nothing.
    static func touch(_ file: borrowing OwnedDescriptor) {
        let descriptor = file.rawValue
        attemptCall("futimens") { futimens(descriptor, nil) }
    }

    /// Makes it empty (`ftruncate(2)`). A failure changes nothing.
    static func empty(_ file: borrowing OwnedDescriptor) {
        let descriptor = file.rawValue
        attemptCall("ftruncate") { ftruncate(descriptor, 0) }
    }

    /// Writes at its beginning (`pwrite(2)`). A failure, or a short write, is not reported.
    static func write(_ bytes: [UInt8], to file: borrowing OwnedDescriptor) {
        let descriptor = file.rawValue
        attemptCall("pwrite") { unsafe pwrite(descriptor, bytes, bytes.count, 0) }
    }
}

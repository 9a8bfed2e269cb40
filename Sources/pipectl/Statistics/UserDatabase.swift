// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The users and groups that this system knows (getpwnam(3), getgrnam(3)). On the main thread only: the C library
/// returns memory that the next call overwrites.
enum UserDatabase {
    /// The number of a user; nil if there is none of this name.
    static func userID(_ name: String) -> UInt32? { unsafe getpwnam(name)?.pointee.pw_uid }

    /// The number of a group; nil if there is none of this name.
    static func groupID(_ name: String) -> UInt32? { unsafe getgrnam(name)?.pointee.gr_gid }

    /// The name of a user; its number if it has none.
    static func userName(_ id: UInt32) -> String {
        guard let name = unsafe getpwuid(id)?.pointee.pw_name else { return "\(id)" }
        return unsafe String(cString: name)
    }
}

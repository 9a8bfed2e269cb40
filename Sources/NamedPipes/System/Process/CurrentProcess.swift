// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The kernel's facts about this process.
enum CurrentProcess {
    /// The effective user (`geteuid(2)`), for comparisons with others: a peer, or the owner of a file.
    ///
    /// It is ``noUserID`` if the user's ID is ``overflowUserID``: files and connections of unmapped users have that ID
    /// as well, so that ID never proves that something is ours.
    static var userID: UInt32 {
        let number = effectiveUserNumber
        return number == overflowUserID ? noUserID : number
    }

    /// The ID of the effective user (`geteuid(2)`), for texts and paths. Comparisons use ``userID``.
    static var effectiveUserNumber: UInt32 { geteuid() }

    /// The ID of the effective group (`getegid(2)`).
    static var effectiveGroupNumber: UInt32 { getegid() }

    /// Its process ID (`getpid(2)`).
    static var processID: Int32 { getpid() }

    /// The ID that no user has (`setreuid(2)`).
    static let noUserID = UInt32.max

    /// The ID that stands for every user without an ID in this namespace; nil if every user has one. Determined once.
    static let overflowUserID = UserMap.current.overflowUserID

    /// The maximum number of its open descriptors (`RLIMIT_NOFILE`, `getrlimit(2)`).
    static var descriptorLimit: Int {
        var limit = rlimit()
        // In C the constants have an enumerated type; the parameter of Swift's function has another one.
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The kernel's facts about this process.
enum CurrentProcess {
    /// The effective user (`geteuid(2)`), to be compared with others: a peer, or the owner of a file.
    ///
    /// It is ``noUserID`` where its number is ``overflowUserID``: a stranger's file and a stranger's connection have
    /// that number as well, so nothing with it is known to be ours.
    static var userID: UInt32 {
        let number = effectiveUserNumber
        return number == overflowUserID ? noUserID : number
    }

    /// The number of the effective user (`geteuid(2)`), for texts and paths. Comparisons take ``userID``.
    static var effectiveUserNumber: UInt32 { geteuid() }

    /// Its number (`getpid(2)`).
    static var processID: Int32 { getpid() }

    /// The number that no user has (`setreuid(2)`).
    static let noUserID = UInt32.max

    /// The number that every user has here who has none of their own; nil where each has one. Asked once.
    static let overflowUserID = UserMap.current.overflowUserID

    /// How many descriptors it may have open (`RLIMIT_NOFILE`, `getrlimit(2)`).
    static var descriptorLimit: Int {
        var limit = rlimit()
        // The constants are of an enumerated type in C, and of another in Swift's function.
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What the kernel says about this process.
enum CurrentProcess {
    /// The effective user (`geteuid(2)`).
    static var userID: UInt32 { geteuid() }

    /// How many descriptors it may have open (`RLIMIT_NOFILE`, `getrlimit(2)`).
    static var descriptorLimit: Int {
        var limit = rlimit()
        // The constants are of an enumerated type in C, and of another in Swift's function.
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }
}

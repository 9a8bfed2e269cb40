// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The inotify instances of a user are few (`fs.inotify.max_user_instances`, often 128), for all processes together. A
/// test that needs one takes a shared lock, and a test that may take all of them an exclusive one; both wait for it
/// (`flock(2)`).
package final class InotifyInstances {
    private let descriptor: Int32

    package init(all: Bool = false) {
        descriptor = unsafe open("/tmp/named-pipes-tests-\(getuid()).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        precondition(descriptor >= 0, "no file to lock")
        while flock(descriptor, all ? LOCK_EX : LOCK_SH) != 0 { precondition(errno == EINTR, "no lock") }
    }

    deinit { close(descriptor) }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// The work of a service manager for a program that it starts (`sd_listen_fds(3)`): puts the torture's listener at the
/// descriptor's number, and announces it in the environment.
enum Manager {
    static func handOver() {
        guard let number = unsafe getenv("TORTURE_LISTENER").flatMap({ unsafe Int32(String(cString: $0)) }) else {
            fatalError("there is no TORTURE_LISTENER")
        }
        let expected = ListenEnvironment.firstDescriptor
        if number != expected {
            precondition(dup2(number, expected) == expected)
            close(number)
        }
        unsafe setenv("LISTEN_PID", "\(getpid())", 1)
        unsafe setenv("LISTEN_FDS", "1", 1)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

/// A Python program in a process of its own, as root also as another user, that talks to a server on the test's thread.
/// While the test waits for the program, it runs the loop.
final class ForeignUser {
    static let userID: UInt32 = 65534

    /// Whether a program can be run as another user.
    static var canBeAnotherUser: Bool {
        strangerPrefix != nil && hasPython
    }

    let processID: pid_t
    private var outcome: Int32?

    /// Starts a program, in which `address` is the server's path, and `peer` a socket that is connected to it unless
    /// `connects` is false.
    ///
    /// - Parameters:
    /// - program: the program's text; if it runs to its end, it has succeeded.
    ///   - address: the path of the server.
    ///   - connects: whether `peer` is connected.
    /// - privileges: the options of `setpriv`; nil runs the program as the test's own user.
    init(
        _ program: String, _ address: PipeAddress, connects: Bool = true,
        privileges: [String]? = ["--reuid=\(userID)", "--regid=\(userID)", "--clear-groups"]
    ) {
        let prelude = """
            import errno, os, socket, sys, time
            address = '\(address.path ?? "")'
            peer = socket.socket(socket.AF_UNIX)
            \(connects ? "peer.connect(address)" : "")

            """
        let prefix = privileges.map { ["/usr/bin/setpriv"] + $0 } ?? []
        processID = Child(prefix + [python, "-S", "-c", prelude + program]).process
    }

    /// The exit code once the program has ended, or the negative number of the signal.
    var exitCode: Int32? {
        var status: Int32 = 0
        if outcome == nil, unsafe waitpid(processID, &status, WNOHANG) == processID {
            outcome = status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
        }
        return outcome
    }

    /// Runs the loop until the program has ended. Nil if it does not end.
    func finish(_ loop: Loop) -> Int32? {
        _ = loop.poll { exitCode != nil }
        return exitCode
    }

    deinit {
        guard exitCode == nil else { return }
        kill(processID, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(processID, &status, 0)
    }
}

/// Takes every descriptor that the process can still open.
final class Hoard {
    private var descriptors: [Int32] = []

    init() { fill() }

    func fill() {
        while true {
            let descriptor = dup(2)
            guard descriptor >= 0 else { return }
            descriptors.append(descriptor)
        }
    }

    func releaseOne() { if let last = descriptors.popLast() { close(last) } }

    func release() {
        descriptors.forEach { close($0) }
        descriptors = []
    }

    deinit { release() }
}

/// Sets `RLIMIT_NOFILE`, which is an enumerated constant in the header.
func limitDescriptors(to count: Int) {
    var limit = rlimit(rlim_cur: rlim_t(count), rlim_max: rlim_t(max(count, 1024)))
    _ = unsafe setrlimit(__rlimit_resource_t(7), &limit)
}

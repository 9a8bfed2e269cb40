// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

// posix_spawn(3) rather than Foundation's Process, which reaps children on a thread of its own: here a process ID stays
// ours until we have asked for its status, so that a signal can never hit a stranger who got the number next.
enum Spawned {
    /// Starts a program that leads a process group of its own, with its output in two files.
    static func start(
        _ executable: String, _ arguments: [String], standardOutput: String, standardError: String
    ) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        let writing = O_WRONLY | O_CREAT | O_TRUNC
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, standardOutput, writing, 0o600)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, standardError, writing, 0o600)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))

        let environment = ProcessInfo.processInfo.environment.map { "\($0)=\($1)" }
        var processID: pid_t = 0
        let code = unsafe withCStrings(arguments) { arguments in
            unsafe withCStrings(environment) { environment in
                unsafe posix_spawn(&processID, executable, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EINVAL) }
        return processID
    }

    /// How the process ended, or nil while it runs. Once it has ended, this may be asked only once.
    static func outcome(of processID: pid_t) -> ForeignPeer.Outcome? {
        var status: Int32 = 0
        guard unsafe waitpid(processID, &status, WNOHANG) == processID else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
    }

    /// Ends a running process that ``start(_:_:standardOutput:standardError:)`` started, and the processes that it
    /// started.
    static func end(_ processID: pid_t) {
        kill(-processID, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(processID, &status, 0)
    }

    /// The strings in C's form, with a null pointer at the end.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = unsafe strings.map { unsafe strdup($0) }
        defer { for index in strings.indices { unsafe free(pointers[index]) } }
        return unsafe body(pointers + [nil])
    }
}

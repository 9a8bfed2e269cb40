// SPDX-License-Identifier: Apache-2.0
internal import CProgram
internal import Glibc
package import NamedPipes

/// How a process ended (`wait(2)`).
package enum ProcessEnd: Hashable, Sendable {
    /// It returned from main or called exit(3).
    case exited(Int32)
    /// A signal ended it.
    case signaled(Int32)
}

/// A child process, by its process ID. The ID is reserved until the process has been collected, and the group's ID as
/// long as the group has a member: so the group is signalled before ``collect()``, and after it only while it exists.
package struct ChildGroup: Sendable {
    /// The process, and the group that it leads.
    package let processID: Int32

    /// - Parameter processID: the result of ``ChildProgram/start(input:output:error:)``.
    package init(_ processID: Int32) { self.processID = processID }

    /// `pidfd_open(2)`: a descriptor that becomes readable when the process ends. Close-on-exec; the caller has to
    /// close it.
    ///
    /// - Throws: the error of the system call, such as `EMFILE`.
    package func openDescriptor() throws(SystemError) -> Int32 {
        let descriptor = program_pidfd_open(processID)
        guard descriptor >= 0 else { throw SystemError(call: "pidfd_open", code: errno) }
        return descriptor
    }

    /// Sends a signal to all processes of the group, `kill(2)`; 0 only checks.
    ///
    /// - Returns: whether the group had a process.
    @discardableResult
    package func signal(_ number: Int32) -> Bool { kill(-processID, number) == 0 || errno == EPERM }

    /// Whether a member still runs. Call it after ``collect()``; searches /proc if there is any member.
    package var isAlive: Bool { signal(0) && program_group_lives(processID) != 0 }

    /// Whether the process has ended; this does not collect it.
    package var hasEnded: Bool { program_has_ended(processID) != 0 }

    /// Collects those members of the group that have become our children since their parents ended, because we are
    /// process 1 of a container, or a subreaper (prctl(2)).
    package func collectOthers() { while waitpid(-processID, nil, WNOHANG) > 0 {} }

    /// Collects the process (`waitpid(2)`). After that, its ID may be reused.
    ///
    /// - Returns: how it ended; nil if it has not.
    package func collect() -> ProcessEnd? {
        var status: Int32 = 0
        var answer: Int32
        repeat { answer = unsafe waitpid(processID, &status, WNOHANG) } while answer < 0 && errno == EINTR
        // Other code has collected it: it is only known that it has ended.
        guard answer >= 0 else { return .exited(-1) }
        guard answer == processID else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? .exited((status >> 8) & 0xFF) : .signaled(signal)
    }
}

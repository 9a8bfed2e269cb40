// SPDX-License-Identifier: Apache-2.0
internal import CProgram
internal import Glibc
public import NamedPipes

/// How a process ended (`wait(2)`).
public enum ProcessEnd: Hashable, Sendable {
    /// It returned from main or called exit(3).
    case exited(Int32)
    /// A signal ended it.
    case signaled(Int32)
}

/// A child process of ours, by its number. That number is its own until it has been collected, and its group's as long
/// as the group has a member: so the group is signalled before ``collect()``, and after it only while it is there.
public struct ChildGroup: Sendable {
    /// The process, and the group that it leads.
    public let processID: Int32

    /// - Parameter processID: what ``ChildProgram/start(input:output:error:)`` returned.
    public init(_ processID: Int32) { self.processID = processID }

    /// `pidfd_open(2)`: a descriptor that becomes readable when the process ends. Close-on-exec; the caller's to close.
    ///
    /// - Throws: what the system says, such as `EMFILE`.
    public func openDescriptor() throws(SystemError) -> Int32 {
        let descriptor = program_pidfd_open(processID)
        guard descriptor >= 0 else { throw SystemError(call: "pidfd_open", code: errno) }
        return descriptor
    }

    /// Sends all of the group a signal, `kill(2)`; 0 only asks.
    ///
    /// - Returns: whether the group had a process.
    @discardableResult
    public func signal(_ number: Int32) -> Bool { kill(-processID, number) == 0 || errno == EPERM }

    /// Whether a member has not ended. To be asked after ``collect()``; looks through /proc where there is any member.
    public var isAlive: Bool { signal(0) && program_group_lives(processID) != 0 }

    /// Whether the process has ended; it is not collected by that.
    public var hasEnded: Bool { program_has_ended(processID) != 0 }

    /// Collects those of the group who have become our children since their parents ended: we are process 1 of a
    /// container, or a subreaper (prctl(2)).
    public func collectOthers() { while waitpid(-processID, nil, WNOHANG) > 0 {} }

    /// Collects the process (`waitpid(2)`): its number may then be another's.
    ///
    /// - Returns: how it ended; nil if it has not.
    public func collect() -> ProcessEnd? {
        var status: Int32 = 0
        var answer: Int32
        repeat { answer = unsafe waitpid(processID, &status, WNOHANG) } while answer < 0 && errno == EINTR
        // Somebody else has collected it: all that is known is that it is gone.
        guard answer >= 0 else { return .exited(-1) }
        guard answer == processID else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? .exited((status >> 8) & 0xFF) : .signaled(signal)
    }
}

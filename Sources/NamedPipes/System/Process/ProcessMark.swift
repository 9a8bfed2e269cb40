// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The identity of a process. The process ID does not suffice: IDs are reused, they start from the beginning after a
/// reboot, and each PID namespace has its own (`pid_namespaces(7)`).
struct ProcessMark: Equatable {
    var processID: Int32
    /// The start time, in the kernel's ticks since boot (`proc_pid_stat(5)`, field 22).
    var startTime: UInt64
    /// The inode of its PID namespace.
    var namespace: UInt64
    /// `/proc/sys/kernel/random/boot_id`.
    var boot: String

    /// This process; nil if `/proc` does not tell.
    static var own: ProcessMark? {
        let process = getpid()
        guard let startTime = startTime(of: process), let namespace, let boot else { return nil }
        return ProcessMark(processID: process, startTime: startTime, namespace: namespace, boot: boot)
    }

    /// Whether its process ID means this process, here and now.
    var isRunning: Bool {
        boot == Self.boot && namespace == Self.namespace && startTime == Self.startTime(of: processID)
    }

    private static func startTime(of process: Int32) -> UInt64? {
        guard let stat = SmallFile.bytes(at: "/proc/\(process)/stat") else { return nil }
        // The second field is the program's name in parentheses, which may contain anything, even parentheses.
        guard let name = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[name...].words()
        return fields.count > 20 ? UInt64(fields[20]) : nil
    }

    private static var namespace: UInt64? { FileStatus.following("/proc/self/ns/pid")?.identity.inode }

    private static var boot: String? { SmallFile.bytes(at: "/proc/sys/kernel/random/boot_id")?.words().first }
}

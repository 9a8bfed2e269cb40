// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A process, told from every other one. Its number alone does not: numbers are given again, after a restart of the
/// system from the beginning, and each PID namespace has its own (`pid_namespaces(7)`).
struct ProcessMark: Equatable {
    var processID: Int32
    /// When it was started, in the kernel's ticks since its own start (`proc_pid_stat(5)`, field 22).
    var startTime: UInt64
    /// The inode of its PID namespace.
    var namespace: UInt64
    /// `/proc/sys/kernel/random/boot_id`.
    var boot: String

    /// This process; nil where `/proc` does not tell.
    static var own: ProcessMark? {
        let process = getpid()
        guard let startTime = startTime(of: process), let namespace, let boot else { return nil }
        return ProcessMark(processID: process, startTime: startTime, namespace: namespace, boot: boot)
    }

    /// Whether its number means this process, here and now.
    var isRunning: Bool {
        boot == Self.boot && namespace == Self.namespace && startTime == Self.startTime(of: processID)
    }

    private static func startTime(of process: Int32) -> UInt64? {
        guard let stat = SmallFile.bytes(at: "/proc/\(process)/stat") else { return nil }
        // The second field is the program's name in parentheses, which may contain anything, parentheses too.
        guard let name = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[name...].words()
        return fields.count > 20 ? UInt64(fields[20]) : nil
    }

    private static var namespace: UInt64? { FileStatus.following("/proc/self/ns/pid")?.identity.inode }

    private static var boot: String? { SmallFile.bytes(at: "/proc/sys/kernel/random/boot_id")?.words().first }
}

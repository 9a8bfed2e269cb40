// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc

/// What /proc says of a process (proc_pid_stat(5)).
struct ProcessFacts: Encodable, Equatable {
    /// Its command line, on one line.
    let command: String
    let residentByteCount: Int
    let threadCount: Int
    /// User and system time together.
    let cpuSeconds: Double
    let runningSeconds: Double
    /// Nil where we may not look.
    let descriptorCount: Int?

    /// Nil if there is no such process, or none that is visible here.
    init?(of processID: Int32) {
        guard let stat = contents(of: "/proc/\(processID)/stat"), let uptime = contents(of: "/proc/uptime"),
            let seconds = uptime.split(separator: " ").first.flatMap({ Double($0) }),
            // The name in parentheses may contain anything.
            let end = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[end...].split(separator: " ").dropFirst().map(String.init)
        guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
            let threads = Int(fields[17]), let start = Double(fields[19]), let pages = Int(fields[21])
        else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        command = Self.command(of: processID) ?? ""
        residentByteCount = pages * sysconf(Int32(_SC_PAGESIZE))
        threadCount = threads
        cpuSeconds = (user + system) / ticks
        runningSeconds = max(0, seconds - start / ticks)
        descriptorCount = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/fd").count
    }

    private static func command(of processID: Int32) -> String? {
        contents(of: "/proc/\(processID)/cmdline").map { printable($0.split(separator: "\0").joined(separator: " ")) }
    }
}

/// A small file as text; nil if it cannot be read.
private func contents(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer: [UInt8] = Array(repeating: 0, count: 4096)
    while true {
        let count = unsafe read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
        bytes += buffer[..<count]
    }
}

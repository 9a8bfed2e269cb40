// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc
internal import NamedPipesProgram

/// The facts about a process in /proc (proc_pid_stat(5)).
struct ProcessFacts: Encodable, Equatable {
    /// Its command line, on one line.
    let command: String
    let residentByteCount: Int
    let threadCount: Int
    /// User and system time together.
    let cpuSeconds: Double
    let runningSeconds: Double
    /// Nil if we have no permission to look.
    let descriptorCount: Int?

    /// Nil if there is no such process, or if it is not visible here.
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

    /// The name of its program, as ps(1) shows it; nil if there is no such process.
    static func name(of processID: Int32) -> String? {
        bytes(of: "/proc/\(processID)/comm").map { printable(Array($0.prefix { $0 != UInt8(ascii: "\n") })) }
    }

    /// Its state (proc_pid_stat(5)): `T` if it was stopped; nil if there is no such process.
    static func state(of processID: Int32) -> Character? {
        guard let stat = contents(of: "/proc/\(processID)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
        return stat[end...].dropFirst(2).first
    }

    private static func command(of processID: Int32) -> String? {
        bytes(of: "/proc/\(processID)/cmdline").map {
            printable(Array($0.split(separator: 0).joined(separator: [0x20])))
        }
    }
}

/// A small file as text; nil if it cannot be read.
private func contents(of path: String) -> String? { bytes(of: path).map { String(decoding: $0, as: UTF8.self) } }

/// A small file; nil if it cannot be read to its end. A process that is gone and a process that we may not examine are
/// the same here.
private func bytes(of path: String) -> [UInt8]? {
    do { return try readFile(path) } catch { return nil }
}

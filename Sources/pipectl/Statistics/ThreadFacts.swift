// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc
internal import NamedPipesProgram

/// The facts about the threads of a process in /proc (proc_pid_task(5)).
enum ThreadFacts {
    /// User and system time together, in seconds, by the thread's name. A name that two threads have is left out.
    /// Empty if there is no such process, or if it is not visible here.
    static func cpuSeconds(of processID: Int32) -> [String: Double] {
        let directory = "/proc/\(processID)/task"
        var seconds: [String: Double?] = [:]
        for thread in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            guard let (name, time) = nameAndTime("\(directory)/\(thread)/stat") else { continue }
            seconds[name] = .some(seconds[name] == nil ? time : nil)
        }
        return seconds.compactMapValues(\.self)
    }

    /// Nil for a thread that has ended meanwhile.
    private static func nameAndTime(_ path: String) -> (String, Double)? {
        let bytes: [UInt8]
        do { bytes = try readFile(path) } catch { return nil }
        let stat = String(decoding: bytes, as: UTF8.self)
        // The name in parentheses may contain anything.
        guard let start = stat.firstIndex(of: "("), let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[end...].split(separator: " ").dropFirst().map(String.init)
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (String(stat[stat.index(after: start)..<end]), (user + system) / Double(sysconf(Int32(_SC_CLK_TCK))))
    }
}

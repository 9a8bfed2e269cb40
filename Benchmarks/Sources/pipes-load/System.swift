// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The time of a clock, in nanoseconds. See clock_gettime(2).
func nanoseconds(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    guard unsafe clock_gettime(clock, &time) == 0 else { end(with: "clock_gettime: errno \(errno)") }
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// The CPU time of a process, in nanoseconds. See clock_getcpuclockid(3).
func cpuNanoseconds(ofProcess process: pid_t) -> UInt64 {
    var clock = clockid_t()
    guard unsafe clock_getcpuclockid(process, &clock) == 0 else { end(with: "no such process: \(process)") }
    return nanoseconds(clock)
}

/// Ends the program: a load that lost a connection measures something else.
func end(with text: String) -> Never {
    let program = CommandLine.arguments.first?.split(separator: "/").last ?? "load"
    var line = Array("\(program): \(text)\n".utf8)
    _ = unsafe write(STDERR_FILENO, &line, line.count)
    exit(1)
}

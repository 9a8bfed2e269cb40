// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension ChildProgram {
    /// This process's environment without the variables that a service manager meant for this process alone: a child
    /// that reported `READY=1`, or took its sockets, would do so in our name.
    package static var inheritedEnvironment: [[UInt8]] { environment.filter { !isForUsAlone($0) } }

    /// The variables of sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3), sd_pid_notify_with_fds(3).
    private static func isForUsAlone(_ assignment: [UInt8]) -> Bool {
        let name = assignment.prefix { $0 != UInt8(ascii: "=") }
        return serviceVariables.contains { name.elementsEqual($0.utf8) }
    }

    private static let serviceVariables = [
        "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
        "LISTEN_PIDFDID",
    ]

    private static var environment: [[UInt8]] {
        var all: [[UInt8]] = []
        // Not even an empty list if there is none (clearenv(3)).
        guard var next = unsafe Optional(environ) else { return [] }
        while let text = unsafe next.pointee {
            unsafe all.append(UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:)))
            unsafe next += 1
        }
        return all
    }
}

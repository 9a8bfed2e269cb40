// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes

/// Where results go. Writing waits for the reader, who thereby slows down whoever sends.
enum StandardOutput {
    /// - Returns: false if nobody reads any more.
    @discardableResult
    static func write(_ bytes: [UInt8]) -> Bool { writeAll(STDOUT_FILENO, bytes) }

    /// - Returns: false if nobody reads any more.
    @discardableResult
    static func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    /// Whether a person looks at it on a terminal that can move its cursor.
    static var isLive: Bool {
        isatty(STDOUT_FILENO) == 1 && environment("CI") == nil && environment("TERM") ?? "dumb" != "dumb"
    }
}

/// Where everything else goes: failures, and what is good to know.
enum StandardError {
    static func write(_ text: String) { _ = writeAll(STDERR_FILENO, Array(text.utf8)) }

    static func note(_ text: String) { write("pipectl: \(text)\n") }
}

func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}

private func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 {
            rest = rest.dropFirst(count)
        } else if errno == EAGAIN {
            // Somebody else made our terminal or pipe non-blocking.
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&waiting, 1, -1)
        } else if errno != EINTR {
            return false
        }
    }
    return true
}

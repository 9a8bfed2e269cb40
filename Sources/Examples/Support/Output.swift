// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// Prints a line at once, also into a pipe. A program whose output goes nowhere, to a full disk or to a reader that is
/// gone, ends with status 1 and says why.
public func report(_ line: String) {
    do {
        try write("\(line)\n", to: STDOUT_FILENO)
    } catch {
        fail(error)
    }
}

/// Ends the program because it cannot do its work.
public func fail(_ error: any Error) -> Never {
    writeAll("\(error)\n", to: STDERR_FILENO)
    exit(1)
}

/// Ends the program with a status of its own.
public func exitProgram(_ status: Int32) -> Never { exit(status) }

/// Says something on standard error without ending the program: there, nobody needs to listen.
public func complain(_ line: String) { writeAll("\(line)\n", to: STDERR_FILENO) }

func writeAll(_ text: String, to descriptor: Int32) { try? write(text, to: descriptor) }

private func write(_ text: String, to descriptor: Int32) throws(SystemError) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 {
            rest = rest.dropFirst(count)
        } else if errno == EAGAIN {
            // The parent's terminal or pipe may be set not to block.
            var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&writable, 1, -1)
        } else if errno != EINTR {
            throw SystemError(call: "write", code: errno)
        }
    }
}

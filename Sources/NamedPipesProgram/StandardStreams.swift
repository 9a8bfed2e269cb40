// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import NamedPipes

/// The stream for results. Writing waits for the reader, and thereby slows the sender down.
package enum StandardOutput {
    /// Writes all bytes.
    ///
    /// - Throws: the error if not everything could be written: `EPIPE` without a reader, `ENOSPC` on a full device.
    package static func write(_ bytes: [UInt8]) throws(SystemError) {
        try writeAll(STDOUT_FILENO, bytes)
    }

    /// Writes all of the text.
    ///
    /// - Throws: as for bytes.
    package static func write(_ text: String) throws(SystemError) { try write(Array(text.utf8)) }
}

/// The stream for everything else: failures, and additional information.
package enum StandardError {
    /// Writes as much as possible. A failure could not be reported anywhere.
    package static func write(_ text: String) {
        try? writeAll(STDERR_FILENO, Array(text.utf8))
    }
}

/// Reads the bytes that are available, as read(2) does.
///
/// - Parameters:
///   - descriptor: the descriptor to read from.
///   - count: the largest number of bytes.
/// - Returns: the bytes, empty at the end; nil if there are none now.
/// - Throws: any other error of read(2), such as `EISDIR` or `EIO`.
package func readSome(_ descriptor: Int32, atMost count: Int) throws(SystemError) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: count)
    let read = unsafe Glibc.read(descriptor, &buffer, count)
    if read >= 0 { return Array(buffer.prefix(read)) }
    guard errno == EAGAIN || errno == EINTR else { throw SystemError(call: "read", code: errno) }
    return nil
}

/// Reads a file from its beginning to its end (open(2), read(2)), such as those in /proc.
///
/// - Parameter path: a file that has an end.
/// - Returns: all of its bytes, never a part.
/// - Throws: the error of open(2) or read(2), such as `ENOENT`, or `ESRCH` for a process that has ended meanwhile.
package func readFile(_ path: String) throws(SystemError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError(call: "open", code: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while true {
        // Either bytes or the end are always available: nil means that the call was interrupted.
        guard let some = try readSome(descriptor, atMost: 16 << 10) else { continue }
        if some.isEmpty { return bytes }
        bytes += some
    }
}

/// Writes all bytes (write(2)). Waits for room as long as it takes, even if another program made the descriptor
/// non-blocking.
///
/// - Parameters:
///   - descriptor: the descriptor to write to.
///   - bytes: what to write.
/// - Throws: the error if not everything could be written; how much was is unknown then.
package func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes { bytes in
            OngoingWrites.during { unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
        }
        if count >= 0 {
            rest = rest.dropFirst(count)
        } else if errno == EAGAIN {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&waiting, 1, -1)
        } else if errno != EINTR {
            throw SystemError(call: "write", code: errno)
        }
    }
}

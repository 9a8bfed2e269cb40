// SPDX-License-Identifier: Apache-2.0
#if Service
import Glibc
import NamedPipes

/// A file of whole lines, open for appending.
final class LineFile {
    private let descriptor: Int32
    private(set) var byteCount: Int
    private var isDirty = false

    /// Opens or creates a file. Bytes after its last line feed are cut off: they are a line that a crash has truncated.
    init(path: String) throws(SystemError) {
        descriptor = unsafe open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        byteCount = 0
        try Self.check("open", Int(descriptor))
        byteCount = try Self.check("lseek", lseek(descriptor, 0, SEEK_END))
        try cutTornLine()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Writes all lines or, if that fails, nothing.
    func append(_ lines: ArraySlice<UInt8>) throws(SystemError) {
        var rest = lines
        isDirty = true
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            do {
                rest = rest.dropFirst(try Self.check("write", count))
            } catch {
                ftruncate(descriptor, byteCount)
                throw error
            }
        }
        byteCount += lines.count
    }

    /// Waits until everything is on the disk.
    ///
    /// - Returns: whether there was something to wait for.
    func sync() throws(SystemError) -> Bool {
        guard isDirty else { return false }
        try Self.check("fdatasync", Int(fdatasync(descriptor)))
        isDirty = false
        return true
    }

    /// The number of bytes of the lines that fit into a file with this much room: whole lines only. A line larger than
    /// a file gets a file of its own.
    static func wholeLineByteCount(of lines: ArraySlice<UInt8>, room: Int, isFileEmpty: Bool) -> Int {
        guard lines.count > room else { return lines.count }
        if let end = lines.prefix(max(0, room)).lastIndex(of: 0x0A) { return end + 1 - lines.startIndex }
        guard isFileEmpty, let end = lines.firstIndex(of: 0x0A) else { return 0 }
        return end + 1 - lines.startIndex
    }

    private func cutTornLine() throws(SystemError) {
        var end = byteCount
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while end > 0 {
            let start = max(0, end - block.count)
            let count = try Self.check("pread", unsafe pread(descriptor, &block, end - start, start))
            if let last = block.prefix(count).lastIndex(of: 0x0A) {
                end = start + last + 1
                break
            }
            end = start
        }
        if end < byteCount { try Self.check("ftruncate", Int(ftruncate(descriptor, end))) }
        byteCount = end
    }

    @discardableResult
    private static func check(_ call: String, _ result: Int) throws(SystemError) -> Int {
        guard result >= 0 else { throw SystemError(call: call, code: errno) }
        return result
    }
}
#endif

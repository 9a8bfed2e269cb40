// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import PipeReactor

extension RawPeer {
    /// One write that passes a descriptor; see ``write(_:passing:)-([UInt8],[Int32])``.
    package func write(_ bytes: [UInt8], passing other: Int32) -> Int { write(bytes, passing: [other]) }

    /// One write that passes descriptors (`SCM_RIGHTS`, unix(7)), 253 at most. Returns the number of bytes that the
    /// kernel took, or the negative errno.
    package func write(_ bytes: [UInt8], passing others: [Int32]) -> Int {
        var bytes = bytes
        // struct cmsghdr: length, level, type; then the descriptors, padded to 8.
        let length = 16 + others.count * 4
        return unsafe withUnsafeTemporaryAllocation(byteCount: (length + 7) & ~7, alignment: 8) { control in
            unsafe control.storeBytes(of: length, toByteOffset: 0, as: Int.self)
            unsafe control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
            unsafe control.storeBytes(of: 1, toByteOffset: 12, as: Int32.self)
            for (index, number) in others.enumerated() {
                unsafe control.storeBytes(of: number, toByteOffset: 16 + index * 4, as: Int32.self)
            }
            return unsafe bytes.withUnsafeMutableBytes { body in
                var vector = unsafe iovec(iov_base: body.baseAddress, iov_len: body.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = vector
                    unsafe message.msg_iovlen = 1
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = control.count
                    let count = unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
                    return count >= 0 ? count : -Int(errno)
                }
            }
        }
    }
}

extension RawPeer {
    /// One read with room for all descriptors; nil if there is nothing to read.
    package func readPassed(atMost limit: Int = 1 << 20) throws -> (bytes: [UInt8], descriptors: [Int32])? {
        var bytes = [UInt8](repeating: 0, count: limit)
        let outcome = try unsafe bytes.withUnsafeMutableBytes { try unsafe AncillaryRead.receive(descriptor, $0) }
        guard case .content(let read) = outcome else { return nil }
        return (Array(bytes[..<read.byteCount]), read.descriptors)
    }
}

/// A frame of `DescriptorFraming`.
package func announcing(_ count: Int, _ text: String) -> [UInt8] { announcing(count, Array(text.utf8)) }

/// A frame of `DescriptorFraming`.
package func announcing(_ count: Int, _ body: [UInt8]) -> [UInt8] {
    unsafe withUnsafeBytes(of: UInt32(body.count).bigEndian) { unsafe Array($0) } + [UInt8(count)] + body
}

/// A file without a name, open in this process.
package final class NamelessFile {
    package let descriptor: Int32

    package init(_ text: String = "") throws(SystemError) {
        var template = Array("/tmp/pipes-XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&template)
        try RawSocket.check("mkstemp", descriptor)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = unsafe unlink(template)
        let bytes = Array(text.utf8)
        _ = unsafe write(descriptor, bytes, bytes.count)
    }

    deinit { _ = close(descriptor) }

    /// Identifies the file, whatever descriptor it is open at.
    package var inode: UInt64 { Self.inode(of: descriptor) }

    package static func inode(of descriptor: Int32) -> UInt64 {
        var status = stat()
        _ = unsafe fstat(descriptor, &status)
        return UInt64(status.st_ino)
    }

    package static func text(of descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The result of one `recvmsg(2)` with room for all descriptors that a message can carry (`SCM_RIGHTS`, unix(7)).
///
/// A read without that room would make the kernel close them in the reader's thread; see ``DescriptorDisposal``.
package struct AncillaryRead {
    /// The number of bytes, at least one.
    package let byteCount: Int

    /// Open descriptors, close-on-exec, which the caller now has to close.
    package let descriptors: [Int32]

    /// Whether some were lost on the way, for lack of room or of descriptors (`MSG_CTRUNC`).
    package let isTruncated: Bool

    /// Whether the peer has tried to send any.
    package var hasAny: Bool { isTruncated || !descriptors.isEmpty }

    /// The maximum number in a message (`SCM_MAX_FD`).
    package static let limit = 253

    // CMSG_SPACE of this number: struct cmsghdr has 16 bytes, and everything is padded to 8.
    private static let headerByteCount = 16
    private static let controlByteCount = headerByteCount + (limit * 4 + 7) & ~7

    /// Reads into `space`.
    package static func receive(
        _ socket: Int32, _ space: UnsafeMutableRawBufferPointer, flags: Int32 = 0
    ) throws(SystemError) -> ReadOutcome<AncillaryRead> {
        try unsafe receive(socket, space, UnsafeMutableRawBufferPointer(start: nil, count: 0), flags: flags)
    }

    /// Reads into `first` and, behind it, into `second`.
    package static func receive(
        _ socket: Int32, _ first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer,
        flags: Int32 = 0
    ) throws(SystemError) -> ReadOutcome<AncillaryRead> {
        var vectors = unsafe [
            iovec(iov_base: first.baseAddress, iov_len: first.count),
            iovec(iov_base: second.baseAddress, iov_len: second.count),
        ]
        return try unsafe vectors.withUnsafeMutableBufferPointer { vectors throws(SystemError) in
            try unsafe withUnsafeTemporaryAllocation(byteCount: controlByteCount, alignment: 8) {
                control throws(SystemError) in
                var message = unsafe msghdr()
                unsafe message.msg_iov = vectors.baseAddress
                unsafe message.msg_iovlen = vectors.count
                unsafe message.msg_control = control.baseAddress
                unsafe message.msg_controllen = control.count
                let all = flags | Int32(MSG_CMSG_CLOEXEC) | Int32(MSG_DONTWAIT)
                let outcome = try readCall("recvmsg") { unsafe recvmsg(socket, &message, all) }
                let used = unsafe UnsafeRawBufferPointer(
                    rebasing: control[..<min(message.msg_controllen, control.count)])
                let isTruncated = unsafe message.msg_flags & Int32(MSG_CTRUNC) != 0
                return outcome.map { count in
                    unsafe AncillaryRead(
                        byteCount: count, descriptors: numbers(in: used), isTruncated: isTruncated)
                }
            }
        }
    }

    /// The descriptors in control messages: length with its header, level, type, then the numbers.
    private static func numbers(in control: UnsafeRawBufferPointer) -> [Int32] {
        var found: [Int32] = []
        var offset = 0
        while offset + headerByteCount <= control.count {
            let length = unsafe control.load(fromByteOffset: offset, as: Int.self)
            let level = unsafe control.load(fromByteOffset: offset + 8, as: Int32.self)
            let type = unsafe control.load(fromByteOffset: offset + 12, as: Int32.self)
            guard length >= headerByteCount, offset + length <= control.count else { break }
            if level == SOL_SOCKET, type == Int32(SCM_RIGHTS) {
                for position in stride(from: offset + headerByteCount, to: offset + length - 3, by: 4) {
                    found.append(unsafe control.load(fromByteOffset: position, as: Int32.self))
                }
            }
            offset += (length + 7) & ~7
        }
        return found
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc

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

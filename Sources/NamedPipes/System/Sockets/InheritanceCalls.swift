// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

// Queries of a socket that another process has made.

extension Socket {
    /// A numeric option of the socket (`getsockopt(2)`, socket(7)). The descriptor must be a socket.
    static func option(_ descriptor: Int32, _ name: Int32) throws(SystemError) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = try systemCall("getsockopt") { unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &size) }
        return value
    }

    /// The bytes that a Unix socket is bound to (`getsockname(2)`), a NUL first in the abstract namespace; nil if it
    /// has no name.
    static func localName(_ descriptor: Int32) throws(SystemError) -> [UInt8]? {
        var storage = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        _ = try systemCall("getsockname") {
            unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(descriptor, $0, &length)
                }
            }
        }
        let count = max(0, min(Int(length), MemoryLayout<sockaddr_un>.size) - MemoryLayout<sa_family_t>.size)
        let bytes = unsafe withUnsafeBytes(of: storage.sun_path) { unsafe Array($0.prefix(count)) }
        guard let first = bytes.first else { return nil }
        return first == 0 ? bytes : Array(bytes.prefix { $0 != 0 })
    }
}

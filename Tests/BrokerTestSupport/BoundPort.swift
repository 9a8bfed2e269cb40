// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import NamedPipes

/// A TCP port of the loopback address at which nothing listens, and nothing can begin to.
package final class BoundPort {
    private let socket: OwnedDescriptor
    package let number: Int

    package init() throws(SystemError) {
        socket = OwnedDescriptor(
            taking: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = socket.rawValue
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, count) == 0 && getsockname(descriptor, pointer, &count) == 0
            }
        }
        guard isBound else { throw SystemError(call: "bind", code: errno) }
        number = Int(UInt16(bigEndian: address.sin_port))
    }
}

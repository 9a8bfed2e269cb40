// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

/// Both ends of a TCP connection over loopback; the other one does not block.
func tcpPair() throws -> (one: Int32, other: Int32) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    let one = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let isConnected = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            unsafe bind(listener, address, length) == 0 && listen(listener, 1) == 0
                && getsockname(listener, address, &length) == 0 && connect(one, address, length) == 0
        }
    }
    try #require(isConnected)
    let other = accept(listener, nil, nil)
    _ = fcntl(other, F_SETFL, O_NONBLOCK)
    return (one, other)
}

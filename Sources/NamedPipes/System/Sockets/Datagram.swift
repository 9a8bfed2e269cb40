// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

enum Datagram {
    /// Sends one datagram from a new unnamed socket (`sendto(2)`), without waiting and without SIGPIPE.
    static func send(_ bytes: [UInt8], to address: SocketAddress) throws(SystemError) {
        let socket = try NamingSocket.make(SOCK_DGRAM)
        let descriptor = socket.rawValue
        _ = try systemCall("sendto") {
            unsafe address.withUnsafePointer {
                unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, $1)
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import PipeReactor

/// A TCP socket whose last close blocks for an hour: it has bytes that the peer does not read, and `SO_LINGER`. A
/// process that receives it and closes it blocks.
package final class DescriptorBomb {
    private let listener: Int32
    private let reader: Int32
    private var bomb: Int32

    package init() throws(SystemError) {
        listener = try Self.check("socket", socket(AF_INET, Self.type, 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        bomb = try Self.check("socket", socket(AF_INET, Self.type, 0))
        let (listener, bomb) = (listener, bomb)
        try unsafe withUnsafeMutablePointer(to: &address) { pointer throws(SystemError) in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic throws(SystemError) in
                _ = try Self.check("bind", unsafe bind(listener, generic, size))
                _ = try Self.check("listen", listen(listener, 1))
                _ = try Self.check("getsockname", unsafe getsockname(listener, generic, &size))
                _ = try Self.check("connect", unsafe connect(bomb, generic, size))
            }
        }
        reader = try Self.check("accept", accept(listener, nil, nil))
        _ = fcntl(reader, F_SETFD, FD_CLOEXEC)
        // A process that another test spawns meanwhile gets copies, and closes them in the order of their numbers. With
        // its own copy of the reader still open, it would wait in the last close of the bomb for an hour, in execve(2).
        self.bomb = try Self.check("fcntl", fcntl(bomb, F_DUPFD_CLOEXEC, reader + 1))
        _ = close(bomb)
        let bytes = [UInt8](repeating: 0, count: 1 << 16)
        while unsafe Glibc.send(self.bomb, bytes, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL)) > 0 {}
        var hour = linger(l_onoff: 1, l_linger: 3600)
        _ = unsafe setsockopt(self.bomb, SOL_SOCKET, SO_LINGER, &hour, socklen_t(MemoryLayout<linger>.size))
    }

    /// Hands the descriptor over: from now on the receiver has the last copy.
    package func send(over peer: RawPeer, with bytes: [UInt8]) -> Int {
        let result = peer.write(bytes, passing: [bomb])
        // Where the kernel has refused to carry the descriptor, our copy would be the last one.
        if result > 0 { forget() }
        return result
    }

    /// Gives the descriptor up, so that its receiver has to close it.
    package func take() -> Int32 {
        defer { bomb = -1 }
        return bomb
    }

    /// Closes our own copy, which must not be the last one unless the bomb was disarmed first.
    private func forget() {
        guard bomb >= 0 else { return }
        _ = close(take())
    }

    /// Wakes every thread that blocks in the last close: the bytes can no longer be delivered.
    package func defuse() { _ = shutdown(reader, Int32(SHUT_RDWR)) }

    deinit {
        if bomb >= 0 {
            var off = linger(l_onoff: 0, l_linger: 0)
            _ = unsafe setsockopt(bomb, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
            forget()
        }
        // With unread bytes this is a reset, which ends every wait.
        _ = close(reader)
        _ = close(listener)
    }

    private static let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

    private static func check(_ call: String, _ result: Int32) throws(SystemError) -> Int32 {
        guard result >= 0 else { throw SystemError(call: call, code: errno) }
        return result
    }
}

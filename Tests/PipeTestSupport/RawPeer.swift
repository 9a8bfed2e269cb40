// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import NamedPipes

/// The other end as a plain socket, without the library: it writes any bytes in any pieces, and ends in any way.
///
/// It never blocks, so that it can live on the reactor's own thread.
package final class RawPeer {
    package private(set) var descriptor: Int32
    /// All bytes that were read.
    package private(set) var received: [UInt8] = []
    /// Whether a read has found the end of the stream.
    package private(set) var isAtEnd = false
    /// The error of a read, such as ECONNRESET; reading may go on after it.
    package private(set) var readErrors: [Int32] = []
    /// The error of a ``writeAll(_:)`` whose peer was gone.
    package private(set) var writeErrors: [Int32] = []
    /// The size of every successful read.
    package private(set) var readSizes: [Int] = []

    package init(taking descriptor: Int32) { self.descriptor = descriptor }

    /// Connects, or throws the errno of `connect(2)` (EAGAIN where the queue is full).
    package convenience init(connectingTo address: PipeAddress) throws(SystemError) {
        self.init(taking: try RawSocket.make())
        try RawSocket.check("connect", unsafe RawSocket.withPointer(to: address) { unsafe connect(descriptor, $0, $1) })
    }

    /// Two ends of one connection.
    package static func pair() throws(SystemError) -> (RawPeer, RawPeer) {
        var ends: [Int32] = [-1, -1]
        try RawSocket.check("socketpair", unsafe socketpair(AF_UNIX, RawSocket.type, 0, &ends))
        return (RawPeer(taking: ends[0]), RawPeer(taking: ends[1]))
    }

    deinit { close() }

    /// Closes at once, whatever is unread. Any number of times.
    package func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    package func finishWriting() { _ = shutdown(descriptor, Int32(SHUT_WR)) }
    package func finishReading() { _ = shutdown(descriptor, Int32(SHUT_RD)) }

    /// One write; returns the number of bytes that the kernel took, or the negative errno.
    @discardableResult
    package func write(_ bytes: some Collection<UInt8>, flags: Int32 = 0) -> Int {
        let bytes = Array(bytes)
        let count = unsafe send(descriptor, bytes, bytes.count, flags | Int32(MSG_NOSIGNAL))
        return count >= 0 ? count : -Int(errno)
    }

    /// One write of everything, for tests that know that there is room. A peer that is gone meanwhile, as another
    /// process or thread may be, shows in ``writeErrors``.
    package func writeAll(_ bytes: some Collection<UInt8>) {
        let count = write(bytes)
        guard count != -Int(EPIPE), count != -Int(ECONNRESET) else { return writeErrors.append(Int32(-count)) }
        precondition(count == bytes.count, "only \(count) of \(bytes.count) bytes were taken")
    }

    /// One read, if there is something to read.
    @discardableResult
    package func read(atMost limit: Int = 1 << 20) -> Int? {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = unsafe recv(descriptor, &bytes, limit, 0)
        if count > 0 {
            received.append(contentsOf: bytes[..<count])
            readSizes.append(count)
        } else if count == 0 {
            isAtEnd = true
        } else if errno != EAGAIN {
            readErrors.append(errno)
        }
        return count >= 0 ? count : nil
    }

    /// Reads everything that has arrived.
    package func readAll() {
        while let count = read(), count > 0 {}
    }

    /// The bodies of the complete frames that were read, each with a 4-byte length in front.
    package var frames: [[UInt8]] {
        var bodies: [[UInt8]] = []
        let bytes = received
        _ = try? LengthPrefixFraming().scanFrames(in: bytes.span, scannedByteCount: 0) { body in
            bodies.append(Array(lent: body))
            return true
        }
        return bodies
    }

    package var texts: [String] { frames.map { String(decoding: $0, as: UTF8.self) } }
}

/// A listening socket, without the library.
package final class RawListener {
    package let address: PipeAddress
    package private(set) var descriptor: Int32

    /// Binds; listens unless the backlog is nil.
    package init(at address: PipeAddress, backlog: Int32? = 128) throws(SystemError) {
        self.address = address
        descriptor = try RawSocket.make()
        try RawSocket.check("bind", unsafe RawSocket.withPointer(to: address) { unsafe bind(descriptor, $0, $1) })
        if let backlog { try listen(backlog) }
    }

    package func listen(_ backlog: Int32) throws(SystemError) {
        try RawSocket.check("listen", Glibc.listen(descriptor, backlog))
    }

    /// The next client, if one waits.
    package func accept() -> RawPeer? {
        let number = Glibc.accept(descriptor, nil, nil)
        guard number >= 0 else { return nil }
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        return RawPeer(taking: number)
    }

    /// Connects clients until the queue is full (EAGAIN).
    package func fill() throws(SystemError) -> [RawPeer] {
        var waiting: [RawPeer] = []
        while true {
            do {
                waiting.append(try RawPeer(connectingTo: address))
            } catch  where error.code == EAGAIN {
                return waiting
            }
        }
    }

    /// Closes the socket; the file stays, as after a crash.
    package func crash() {
        guard descriptor >= 0 else { return }
        // A child of another test, between its fork and its exec, has a copy, which would still take clients.
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
        _ = close(descriptor)
        descriptor = -1
    }

    /// Closes the socket and removes the file.
    package func stop() {
        crash()
        if let path = address.path { unsafe unlink(path) }
    }

    deinit { stop() }
}

/// Listens as a service manager does, for `sd_notify(3)`.
package final class RawManager {
    private let descriptor: Int32

    package init(at address: PipeAddress) throws(SystemError) {
        descriptor = try RawSocket.make(Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue))
        try RawSocket.check("bind", unsafe RawSocket.withPointer(to: address) { unsafe bind(descriptor, $0, $1) })
    }

    deinit { _ = close(descriptor) }

    /// The next message, nil if none has arrived.
    package func nextText() -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
        return count >= 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}

package enum RawSocket {
    static let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

    static func make(_ type: Int32 = type) throws(SystemError) -> Int32 {
        let descriptor = socket(AF_UNIX, type, 0)
        try check("socket", descriptor)
        return descriptor
    }

    static func check(_ call: String, _ result: Int32) throws(SystemError) {
        guard result >= 0 else { throw SystemError(call: call, code: errno) }
    }

    static func withPointer(
        to address: PipeAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var storage = sockaddr_un()
        storage.sun_family = sa_family_t(AF_UNIX)
        let name = address.path.map { Array($0.utf8) + [0] } ?? [0] + Array(address.description.utf8.dropFirst())
        unsafe withUnsafeMutableBytes(of: &storage.sun_path) { unsafe $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        return unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}

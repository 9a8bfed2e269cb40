// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

// The system calls that give a socket its name and find out who is behind one.

// SO_PASSRIGHTS, since Linux 6.16: no peer may send descriptors through this socket or those accepted from it
// (unix(7)).
let passRights: Int32 = 83

/// A socket that is about to become a listener.
enum NamingSocket {
    static func make(_ type: __socket_type = SOCK_STREAM) throws(SystemError) -> OwnedDescriptor {
        let flags = type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        return OwnedDescriptor(taking: try systemCall("socket") { socket(AF_UNIX, Int32(flags), 0) })
    }

    /// Limits the mode of the file that `bind` will create; the umask still removes bits (`fchmod(2)`).
    static func limitMode(_ socket: borrowing OwnedDescriptor, to mode: UInt16) throws(SystemError) {
        let descriptor = socket.rawValue
        _ = try systemCall("fchmod") { fchmod(descriptor, mode_t(mode)) }
    }

    static func bind(_ socket: borrowing OwnedDescriptor, to address: SocketAddress) throws(SystemError) {
        let descriptor = socket.rawValue
        _ = try systemCall("bind") { unsafe address.withUnsafePointer { unsafe Glibc.bind(descriptor, $0, $1) } }
    }

    static func listen(_ socket: borrowing OwnedDescriptor, backlog: Int32) throws(SystemError) {
        let descriptor = socket.rawValue
        _ = try systemCall("listen") { Glibc.listen(descriptor, backlog) }
    }

    /// Makes the kernel refuse descriptors from peers; false on kernels that do not support it.
    static func refuseDescriptors(_ socket: borrowing OwnedDescriptor) throws(SystemError) -> Bool {
        let descriptor = socket.rawValue
        var no: Int32 = 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        do {
            _ = try systemCall("setsockopt") { unsafe setsockopt(descriptor, SOL_SOCKET, passRights, &no, size) }
            return true
        } catch let error where error.code == ENOPROTOOPT {
            return false
        }
    }
}

/// Queries of the server that may be behind an address.
enum NameProbe {
    /// Whether there is an open socket behind a socket file.
    ///
    /// Connecting a stream would not tell: a server that has bound its name but does not listen yet refuses just like a
    /// file left behind. A *datagram* socket does tell, and does not disturb a live server with a connection that ends
    /// at once: the kernel first looks for the socket (none: ECONNREFUSED), then compares the types (EPROTOTYPE).
    static func isAlive(_ address: SocketAddress) throws(SystemError) -> Bool {
        let socket = try NamingSocket.make(SOCK_DGRAM)
        do {
            try connect(socket, to: address)
            return true
        } catch {
            switch error.code {
            case ECONNREFUSED, ENOENT: return false
            case EPROTOTYPE, EPERM, EAGAIN: return true
            default: throw error
            }
        }
    }

    /// The process that listens at an address, if it can be determined with certainty. This connects and hangs up at
    /// once.
    static func listener(at address: SocketAddress) -> Int32? {
        do {
            let socket = try NamingSocket.make()
            try connect(socket, to: address)
            let number = try Socket.peer(socket.rawValue).processID
            // The process that called listen may have ended since, and left the socket to a child. Then its ID may
            // belong to another process.
            let process = VerifiedProcess(try Socket.peerProcess(socket.rawValue), number)
            return process.isRunning && number > 0 ? number : nil
        } catch {
            return nil
        }
    }

    private static func connect(_ socket: borrowing OwnedDescriptor, to address: SocketAddress) throws(SystemError) {
        let descriptor = socket.rawValue
        _ = try systemCall("connect") { unsafe address.withUnsafePointer { unsafe Glibc.connect(descriptor, $0, $1) } }
    }
}

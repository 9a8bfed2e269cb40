// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// The refusal of descriptors that a peer sends, by the kernel or by this library.
enum DescriptorRefusal {
    /// Whether the kernel refuses them (`SO_PASSRIGHTS`, since Linux 6.16). Determined once; false, which is safe, if
    /// the kernel cannot be asked.
    static let isRefusedByKernel: Bool = {
        do { return try NamingSocket.refuseDescriptors(NamingSocket.make()) } catch { return false }
    }()

    /// Lets peers send descriptors through a connected socket, or no longer, on a kernel that knows the option. On
    /// another, all sockets let them through.
    static func attempt(toRefuse isRefused: Bool, _ descriptor: Int32) {
        var isPassed: Int32 = isRefused ? 0 : 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        attemptCall("setsockopt") { unsafe setsockopt(descriptor, SOL_SOCKET, passRights, &isPassed, size) }
    }

    /// Reverts ``NamingSocket/refuseDescriptors(_:)``, so that this kernel behaves like one that does not support it.
    static func allow(_ descriptor: Int32) throws(SystemError) {
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = try systemCall("setsockopt") { unsafe setsockopt(descriptor, SOL_SOCKET, passRights, &yes, size) }
    }
}

extension DescriptorRefusal {
    /// The accepted sockets that are guarded: read and closed as sockets through which a peer may have sent
    /// descriptors.
    enum Guarded {
        /// None, because the kernel refuses descriptors.
        case none
        /// All, because the kernel cannot refuse descriptors.
        case all
        /// Those that let descriptors through. A socket has the option that its listener had at the moment of the
        /// connect, and the clients of an inherited listener may have connected before this program set it.
        case thoseThatPass

        func includes(_ socket: Int32) -> Bool {
            switch self {
            case .none: false
            case .all: true
            case .thoseThatPass: DescriptorRefusal.isAllowed(by: socket)
            }
        }
    }

    /// Whether peers can send descriptors through a socket; true if the kernel does not say.
    private static func isAllowed(by socket: Int32) -> Bool {
        do { return try Socket.option(socket, passRights) != 0 } catch { return true }
    }
}

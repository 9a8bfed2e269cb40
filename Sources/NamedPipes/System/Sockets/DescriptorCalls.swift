// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// The calls on descriptors that are passed to other processes, or came from there.
enum DescriptorCalls {
    /// `fcntl(2)` with `F_DUPFD_CLOEXEC`. The caller gave the number, so that `EBADF` is an error and not a bug here.
    static func duplicate(_ descriptor: Int32) throws(SystemError) -> Int32 {
        guard InheritedSocket.isOpen(descriptor) else { throw SystemError(call: "fcntl", code: EBADF) }
        return try systemCall("fcntl") { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
    }

    /// Whether a file lies in memory: only such files can be sealed (`F_GET_SEALS`, fcntl(2)).
    fileprivate static func canBeSealed(_ descriptor: Int32) -> Bool {
        let getSeals: Int32 = 1034
        return fcntl(descriptor, getSeals) != -1
    }
}

extension DescriptorKind {
    /// Asks the kernel; does not block. For an open descriptor.
    init(of descriptor: Int32) {
        guard let status = GNUCalls.status(of: descriptor) else {
            self = .other
            return
        }
        switch status.mode & S_IFMT {
        case S_IFREG where status.linkCount == 0 && DescriptorCalls.canBeSealed(descriptor): self = .memory
        case S_IFREG: self = .file
        case S_IFDIR: self = .directory
        case S_IFSOCK: self = .socket(descriptor)
        case S_IFIFO: self = .pipe
        case S_IFCHR: self = .characterDevice
        case S_IFBLK: self = .blockDevice
        case 0: self = .anonymous
        default: self = .other
        }
    }

    private static func socket(_ descriptor: Int32) -> DescriptorKind {
        do {
            let isLocal = try Socket.option(descriptor, SO_DOMAIN) == AF_UNIX
            return .socket(SocketType(try Socket.option(descriptor, SO_TYPE)), isLocal: isLocal)
        } catch {
            return .other
        }
    }
}

extension DescriptorKind.SocketType {
    fileprivate init(_ number: Int32) {
        self =
            switch UInt32(bitPattern: number) {
            case SOCK_STREAM.rawValue: .stream
            case SOCK_DGRAM.rawValue: .datagram
            case SOCK_SEQPACKET.rawValue: .sequencedPacket
            default: .other
            }
    }
}

extension Socket {
    /// `sendmsg(2)` with `MSG_NOSIGNAL` and `SCM_RIGHTS`: how many bytes of the pieces the kernel took, and with the
    /// first of them the descriptors; nil if it takes none now.
    ///
    /// - Parameter numbers: 1 to 253 open descriptors.
    static func send(
        _ descriptor: Int32, passing numbers: [Int32], gathering fill: (inout GatherList) -> Void
    ) throws(SystemError) -> Int? {
        // struct cmsghdr: length, level, type; then the descriptors, padded to 8.
        let length = 16 + numbers.count * 4
        return try unsafe withUnsafeTemporaryAllocation(byteCount: (length + 7) & ~7, alignment: 8) {
            control throws(SystemError) in
            unsafe control.storeBytes(of: length, toByteOffset: 0, as: Int.self)
            unsafe control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
            unsafe control.storeBytes(of: Int32(SCM_RIGHTS), toByteOffset: 12, as: Int32.self)
            for (index, number) in numbers.enumerated() {
                unsafe control.storeBytes(of: number, toByteOffset: 16 + index * 4, as: Int32.self)
            }
            return try unsafe send(descriptor, control, gathering: fill)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes

/// What is to be seen at a name: its file, and what the kernel knows of the sockets behind it.
struct NameFacts: Encodable, Equatable {
    struct SocketFile: Encodable, Equatable {
        /// The permission bits: `0600`.
        let mode: String
        let uid: UInt32
        let gid: UInt32
    }

    struct Connections: Encodable, Equatable {
        let acceptedCount: Int
        let waitingCount: Int
        /// How many may wait.
        let backlog: Int
    }

    /// Nil for an abstract name, and for a file that is not there.
    var file: SocketFile?
    /// Nil where the kernel does not tell.
    var connections: Connections?

    init(of address: PipeAddress) {
        let sockets = (try? UnixSocket.all()) ?? []
        guard let path = address.path else {
            let name = Array(address.description.utf8.dropFirst())
            connections = Self.connections(sockets.filter { $0.abstractName == name })
            return
        }
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        let digits = String(status.st_mode & 0o777, radix: 8)
        file = SocketFile(
            mode: String(repeating: "0", count: max(0, 4 - digits.count)) + digits, uid: status.st_uid,
            gid: status.st_gid)
        let found = UnixSocket.File(
            inode: UInt32(truncatingIfNeeded: status.st_ino), device: Self.kernelDevice(status.st_dev))
        connections = Self.connections(sockets.filter { $0.file == found })
    }

    /// Who was accepted has the listener's name, and so has already who waits to be.
    private static func connections(_ sockets: [UnixSocket]) -> Connections? {
        guard let listener = sockets.first(where: \.isListening) else { return nil }
        let connected = sockets.count { !$0.isListening }
        return Connections(
            acceptedCount: max(0, connected - listener.queue.waiting), waitingCount: listener.queue.waiting,
            backlog: listener.queue.limit)
    }

    /// A device's number as the kernel itself has it (`MKDEV` of linux/kdev_t.h), of what makedev(3) made of it.
    private static func kernelDevice(_ device: dev_t) -> UInt32 {
        let major = (device >> 8 & 0xFFF) | (device >> 32 & ~0xFFF)
        let minor = (device & 0xFF) | (device >> 12 & 0xFFFFF00)
        return UInt32(truncatingIfNeeded: major << 20 | minor)
    }
}

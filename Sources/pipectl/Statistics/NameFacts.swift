// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// The visible facts about a name: its file, and the kernel's facts about the sockets behind it.
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
        /// The maximum number of waiting clients.
        let backlog: Int
    }

    /// Nil for an abstract name, and for a file that does not exist.
    var file: SocketFile?
    /// Nil if the kernel does not tell.
    var connections: Connections?

    /// The identity of the listening socket; not part of a report.
    private(set) var listener: UInt32?

    private enum CodingKeys: CodingKey { case file, connections }

    init(of address: PipeAddress) {
        let sockets = (try? UnixSocket.all()) ?? []
        guard let path = address.path else {
            let name = Array(address.text.utf8)
            look(at: sockets.filter { $0.abstractName == name })
            return
        }
        var status = stat()
        // As a client finds it, which follows symbolic links.
        guard unsafe stat(path, &status) == 0 else { return }
        let digits = String(status.st_mode & 0o7777, radix: 8)
        file = SocketFile(
            mode: String(repeating: "0", count: max(0, 4 - digits.count)) + digits, uid: status.st_uid,
            gid: status.st_gid)
        look(at: Self.sockets(sockets, of: status, at: path))
    }

    /// Whether a socket is bound to the file at a path, whose status is known.
    static func isBound(_ socket: UnixSocket, to status: stat, at path: String) -> Bool {
        guard let file = socket.file, file.inode == UInt32(truncatingIfNeeded: status.st_ino) else { return false }
        return file.device == kernelDevice(status.st_dev) || hasDevicesOfItsOwn(path)
    }

    private static func sockets(_ sockets: [UnixSocket], of status: stat, at path: String) -> [UnixSocket] {
        let inode = UInt32(truncatingIfNeeded: status.st_ino)
        let file = UnixSocket.File(inode: inode, device: kernelDevice(status.st_dev))
        let found = sockets.filter { $0.file == file }
        guard !found.contains(where: \.isListening), hasDevicesOfItsOwn(path) else { return found }
        // stat(2) may report another device than sock_diag(7): the inode decides, if it belongs to one listener only.
        let files = Set(sockets.filter { $0.isListening && $0.file?.inode == inode }.compactMap(\.file))
        return files.count == 1 ? sockets.filter { $0.file == files.first } : found
    }

    /// Whether the path is on a file system whose files have other devices than the file system itself (statfs(2)).
    private static func hasDevicesOfItsOwn(_ path: String) -> Bool {
        let (overlayFileSystem, btrfs) = (0x794C_7630, 0x9123_683E)
        return [overlayFileSystem, btrfs].contains(fileSystemKind(of: path))
    }

    /// An accepted socket has the listener's name. A waiting one has no inode and is not reported, except with the
    /// listener.
    private mutating func look(at sockets: [UnixSocket]) {
        guard let socket = sockets.first(where: \.isListening) else { return }
        listener = socket.inode
        connections = Connections(
            acceptedCount: sockets.count { !$0.isListening }, waitingCount: Self.waitingCount(socket),
            backlog: socket.queue.limit)
    }

    /// Without clients that are gone again, such as another `stat`, because they do not wait.
    static func waitingCount(_ listener: UnixSocket) -> Int {
        guard (1...512).contains(listener.queue.waiting), let waiting = UnixSocket.withWaiting(listener)?.waiting else {
            return listener.queue.waiting
        }
        return waiting.count { $0 != 0 }
    }

    /// A device number in the kernel's own form (`MKDEV` of linux/kdev_t.h), from the form of makedev(3).
    private static func kernelDevice(_ device: dev_t) -> UInt32 {
        let major = (device >> 8 & 0xFFF) | (device >> 32 & ~0xFFF)
        let minor = (device & 0xFF) | (device >> 12 & 0xFFFFF00)
        return UInt32(truncatingIfNeeded: major << 20 | minor)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// The identity of a file, independent of its names: no two files that exist at the same time share it.
///
/// The kernel reuses the inode of a deleted file at once. Therefore, a comparison is meaningful only while our own file
/// is certain to exist: while its socket is open.
struct FileIdentity: Hashable {
    let device: UInt64
    let inode: UInt64
}

/// The facts of the file system about a file (`stat(2)`, `inode(7)`).
struct FileStatus {
    enum Kind { case directory, socket, regular, symbolicLink, fifo, other }

    let identity: FileIdentity
    let kind: Kind
    let owner: UInt32
    let group: UInt32
    /// The permission bits with set-ID and sticky bits.
    let mode: UInt32
    let linkCount: Int
    /// The earlier one of its last read and last write: seconds since 1970.
    let oldestUse: Int

    private init(_ status: stat) {
        identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFSOCK: .socket
            case S_IFREG: .regular
            case S_IFLNK: .symbolicLink
            case S_IFIFO: .fifo
            default: .other
            }
        owner = status.st_uid
        group = status.st_gid
        mode = status.st_mode & 0o7777
        linkCount = Int(status.st_nlink)
        oldestUse = min(status.st_atim.tv_sec, status.st_mtim.tv_sec)
    }

    /// The file behind an open descriptor.
    init(of descriptor: Int32) throws(SystemError) {
        var status = stat()
        _ = try systemCall("fstat") { unsafe fstat(descriptor, &status) }
        self.init(status)
    }

    /// The entry of a directory, without following a link.
    init(of name: String, in directory: Int32 = AT_FDCWD) throws(SystemError) {
        var status = stat()
        _ = try systemCall("fstatat") { unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) }
        self.init(status)
    }

    /// The entry at a path, without following a link; nil if there is none.
    init?(ifExists path: String) throws(SystemError) {
        do { try self.init(of: path) } catch let error where error.code == ENOENT { return nil }
    }

    /// The entry at a path of bytes, without following a link; nil if it cannot be examined.
    static func ofEntry(_ path: [UInt8]) -> FileStatus? {
        let name = (path + [0]).map(CChar.init(bitPattern:))
        var status = stat()
        return unsafe lstat(name, &status) == 0 ? FileStatus(status) : nil
    }

    /// The file that a path leads to, through all symbolic links.
    init(following path: String) throws(SystemError) {
        var status = stat()
        _ = try systemCall("stat") { unsafe stat(path, &status) }
        self.init(status)
    }

    /// The file that a path leads to, or nil if it cannot be examined.
    static func following(_ path: String) -> FileStatus? {
        do { return try FileStatus(following: path) } catch { return nil }
    }
}

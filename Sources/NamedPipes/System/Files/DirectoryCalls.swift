// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// A directory held by a descriptor: operations take place in it even if its path leads to another directory meanwhile.
struct Directory: ~Copyable {
    let descriptor: OwnedDescriptor
    let path: String
    /// Whether only root and this user decide where the path leads.
    let isVerified: Bool

    /// Opens a directory to work in; it need not be readable (`O_PATH`, `open(2)`).
    ///
    /// - Parameter verifies: whether to refuse a path on which a user other than root and this one can change the
    ///   meaning of a name; see ``DirectoryWalk``.
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` with the first offending component.
    static func open(_ path: String, verifies: Bool = true) throws(PipeError) -> Directory {
        Directory(descriptor: try DirectoryWalk.open(path, verifies: verifies), path: path, isVerified: verifies)
    }

    /// Makes a directory unless something with that name exists (`mkdir(2)`).
    static func make(_ path: String, mode: UInt32) throws(PipeError) {
        do {
            _ = try systemCall("mkdir") { unsafe mkdir(path, mode) }
        } catch let error where error.code == EEXIST {
            return
        } catch {
            throw .atLocation(path, error)
        }
    }

    /// The path of an entry, for errors.
    func path(of name: String) -> String { path == "/" ? "/\(name)" : "\(path)/\(name)" }

    /// Runs calls on an entry, and adds the entry's name to their errors.
    func naming<Result: ~Copyable>(
        _ name: String, _ body: () throws(SystemError) -> Result
    ) throws(PipeError) -> Result {
        do { return try body() } catch { throw .atLocation(path(of: name), error) }
    }

    /// The status of the file with this name, without following a symbolic link; nil if there is no such name.
    func status(of name: String) throws(SystemError) -> FileStatus? {
        do {
            return try FileStatus(of: name, in: descriptor.rawValue)
        } catch let error where error.code == ENOENT {
            return nil
        }
    }

    /// Opens or makes a file for reading and writing (`openat(2)`).
    func openFile(_ name: String, mode: UInt16) throws(SystemError) -> OwnedDescriptor {
        // O_NONBLOCK: a FIFO or device with this name must not block us.
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        return OwnedDescriptor(
            taking: try systemCall("openat") { unsafe openat(descriptor.rawValue, name, flags, mode_t(mode)) })
    }

    /// Changes the owner and group of a file (`fchownat(2)`); nil keeps the present one.
    func changeOwner(of name: String, to userID: UInt32?, group groupID: UInt32?) throws(SystemError) {
        _ = try systemCall("fchownat") {
            unsafe fchownat(
                descriptor.rawValue, name, userID ?? uid_t.max, groupID ?? gid_t.max, AT_SYMLINK_NOFOLLOW)
        }
    }

    func changeMode(of name: String, to mode: UInt16) throws(SystemError) {
        _ = try systemCall("fchmodat") { unsafe fchmodat(descriptor.rawValue, name, mode_t(mode), AT_SYMLINK_NOFOLLOW) }
    }

    func remove(_ name: String) throws(SystemError) {
        _ = try systemCall("unlinkat") { unsafe unlinkat(descriptor.rawValue, name, 0) }
    }

    /// Renames a file atomically, replacing the file that has the new name now (`renameat(2)`).
    func rename(_ name: String, onto other: String) throws(SystemError) {
        _ = try systemCall("renameat") { unsafe renameat(descriptor.rawValue, name, descriptor.rawValue, other) }
    }

    /// Exchanges the names of two files atomically (`renameat2(2)`, RENAME_EXCHANGE).
    func exchange(_ name: String, _ other: String) throws(SystemError) {
        _ = try systemCall("renameat2") { GNUCalls.exchange(name, other, in: descriptor.rawValue) }
    }

    /// Sets a file's times to now (`utimensat(2)`).
    func touch(_ name: String) throws(SystemError) {
        _ = try systemCall("utimensat") { unsafe utimensat(descriptor.rawValue, name, nil, AT_SYMLINK_NOFOLLOW) }
    }

    /// Gives a file a second name, which must be free (`linkat(2)`).
    func link(_ name: String, as other: String) throws(SystemError) {
        _ = try systemCall("linkat") { unsafe linkat(descriptor.rawValue, name, descriptor.rawValue, other, 0) }
    }
}

extension Directory {
    /// The address of an entry, which may not exist yet. The kernel shows the bytes that a socket was bound to, to
    /// ss(8) and lsof(8) and to every client that calls getpeername(2). So the address is the path, if that fits and
    /// leads here. Otherwise it goes through the descriptor, which needs `/proc`.
    ///
    /// - Returns: nil if neither has room for the name.
    borrowing func address(of name: String) -> SocketAddress? {
        if isVerified, leadsHere, let address = SocketAddress(path: path(of: name)) { return address }
        return name.utf8.count <= SocketAddress.maximumNameByteCount ? SocketAddress(name, in: self) : nil
    }

    private var leadsHere: Bool {
        do {
            return try FileStatus(following: path).identity == FileStatus(of: descriptor.rawValue).identity
        } catch {
            // The path through the descriptor is always right.
            return false
        }
    }
}

extension PipeError {
    /// Translates the error of a system call on a file into a problem with the location.
    static func atLocation(_ path: String, _ error: SystemError) -> PipeError {
        switch error.code {
        case ENOENT: .unusableLocation(path: path, .missingDirectory)
        case ENOTDIR: .unusableLocation(path: path, .notADirectory)
        case EACCES, EPERM: .unusableLocation(path: path, .notPermitted)
        case ELOOP: .unusableLocation(path: path, .symbolicLink)
        case EROFS: .unusableLocation(path: path, .readOnly)
        case ENOSPC, EDQUOT: .unusableLocation(path: path, .full)
        default: .system(error)
        }
    }

    /// The error of making a file in a directory that was opened before. ENOENT cannot mean a missing name here: some
    /// file systems have no place for files, such as `/proc`, and report it with that error.
    static func making(in directory: String, _ error: SystemError) -> PipeError {
        switch error.code {
        case ENOENT where FileStatus.following(directory) == nil: .unusableLocation(path: directory, .missingDirectory)
        case EACCES, EPERM, ENOENT: .unusableLocation(path: directory, .notWritable)
        default: .atLocation(directory, error)
        }
    }
}

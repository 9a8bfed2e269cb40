// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

// O_PATH is not in Swift's Glibc, which is built without _GNU_SOURCE. x86 and Arm agree on the value.
private let pathOnly: Int32 = 0o10000000

/// A directory held by a descriptor: what is done in it happens there, even if its path is given to another meanwhile.
struct Directory: ~Copyable {
    let descriptor: OwnedDescriptor
    let path: String

    /// Opens a directory to work in; it need not be readable (`O_PATH`, `open(2)`).
    ///
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` with the first component that is in the way. A symbolic link
    ///   in the directory's own place is refused, one further up is followed.
    static func open(_ path: String) throws(PipeError) -> Directory {
        do {
            let number = try systemCall("open") {
                unsafe Glibc.open(path, pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            return Directory(descriptor: OwnedDescriptor(taking: number), path: path)
        } catch {
            throw Directory.obstacle(on: path, error)
        }
    }

    /// Makes a directory unless something of that name exists (`mkdir(2)`).
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

    /// Runs calls about an entry and names the entry in their error.
    func naming<Result: ~Copyable>(
        _ name: String, _ body: () throws(SystemError) -> Result
    ) throws(PipeError) -> Result {
        do { return try body() } catch { throw .atLocation(path(of: name), error) }
    }

    /// What the name stands for, a symbolic link being a link; nil if there is no such name.
    func status(of name: String) throws(SystemError) -> FileStatus? {
        do {
            return try FileStatus(of: name, in: descriptor.rawValue)
        } catch let error where error.code == ENOENT {
            return nil
        }
    }

    /// Opens or makes a file for reading and writing (`openat(2)`).
    func openFile(_ name: String, mode: mode_t) throws(SystemError) -> OwnedDescriptor {
        // O_NONBLOCK: a FIFO or device in the name's place must not make us wait.
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        return OwnedDescriptor(
            taking: try systemCall("openat") { unsafe openat(descriptor.rawValue, name, flags, mode) })
    }

    /// Gives a file to others (`fchownat(2)`); nil leaves the owner or the group.
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

    /// Gives a file another name in place of whatever has that name now, at one stroke (`renameat(2)`).
    func rename(_ name: String, onto other: String) throws(SystemError) {
        _ = try systemCall("renameat") { unsafe renameat(descriptor.rawValue, name, descriptor.rawValue, other) }
    }

    /// Gives a file a second name, which must be free (`linkat(2)`).
    func link(_ name: String, as other: String) throws(SystemError) {
        _ = try systemCall("linkat") { unsafe linkat(descriptor.rawValue, name, descriptor.rawValue, other, 0) }
    }
}

extension Directory {
    /// Makes sure that nobody but root and this user decides what the names in this directory stand for.
    ///
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` if it belongs to another user, or if others may write to it and
    ///   no sticky bit keeps them from renaming what is not theirs.
    borrowing func verifyOwnership() throws(PipeError) {
        let status: FileStatus
        do { status = try FileStatus(of: descriptor.rawValue) } catch { throw .atLocation(path, error) }
        let isOurs = status.owner == geteuid() || status.owner == 0
        let isWritableByOthers = status.mode & (S_IWGRP | S_IWOTH) != 0
        let isSticky = status.mode & S_ISVTX != 0
        guard isOurs, isSticky || !isWritableByOthers else {
            throw .unusableLocation(path: path, .insecureDirectory(owner: status.owner, mode: status.mode))
        }
    }

    /// Walks down a path that could not be opened and says which component is in the way.
    private static func obstacle(on path: String, _ error: SystemError) -> PipeError {
        var walked = ""
        for component in path.split(separator: "/") {
            let parent = walked.isEmpty ? "/" : walked
            walked += "/\(component)"
            do {
                guard try FileStatus(following: walked).kind == .directory else {
                    return .unusableLocation(path: walked, .notADirectory)
                }
            } catch let error where error.code == ENOENT {
                return .unusableLocation(path: walked, isLink(walked) ? .symbolicLink : .missingDirectory)
            } catch {
                return .atLocation(error.code == EACCES ? parent : walked, error)
            }
        }
        // Everything is in its place: what was refused is a link at the end of the path.
        return isLink(path) ? .unusableLocation(path: path, .symbolicLink) : .atLocation(path, error)
    }

    private static func isLink(_ path: String) -> Bool {
        do { return try FileStatus(of: path).kind == .symbolicLink } catch { return false }
    }
}

extension PipeError {
    /// The error of a system call about a file, as what is wrong with the place.
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
}

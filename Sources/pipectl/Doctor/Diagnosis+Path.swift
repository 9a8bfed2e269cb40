// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc
internal import NamedPipes

// What path_resolution(7) and unix(7) say of a socket's file, before a server comes into it.

extension Diagnosis {
    /// Checks the directories, the file, and the permission to connect.
    ///
    /// - Parameter kind: what the file has to be: a socket or a FIFO.
    mutating func examine(path: String, kind: PipeAddress.Kind) {
        guard examineDirectories(of: path) else { return }
        guard let status = examineFile(at: path, kind) else { return }
        examinePermission(of: path, status)
    }

    private mutating func examineDirectories(of path: String) -> Bool {
        var directory = ""
        for component in path.split(separator: "/").map(String.init).dropLast() + [""] {
            let shown = directory.isEmpty ? "/" : directory
            var status = stat()
            guard unsafe stat(shown, &status) == 0 else {
                fail("directories", "\(printable(shown)): \(Self.systemText)", remedy: Self.remedyForDirectory(errno))
                return false
            }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                fail("directories", "\(printable(shown)) is not a directory", remedy: "check the spelling of the path")
                return false
            }
            guard unsafe faccessat(AT_FDCWD, shown, X_OK, AT_EACCESS) == 0 else {
                fail(
                    "directories",
                    "\(printable(shown)) may not be searched by user \(Self.ownName) (\(Self.shown(status)))",
                    remedy: "chmod o+x, or g+x for a group of this user; or another directory for the name")
                return false
            }
            directory += "/\(component)"
        }
        pass("directories", "user \(Self.ownName) may search each of them")
        return true
    }

    private mutating func examineFile(at path: String, _ kind: PipeAddress.Kind) -> stat? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            fail("file", "there is none at this name", remedy: Self.remedyForMissingFile(at: path))
            return nil
        }
        if status.st_mode & S_IFMT == S_IFLNK {
            guard unsafe stat(path, &status) == 0 else {
                fail("file", "a symbolic link that leads nowhere", remedy: "remove it, or start the server it is for")
                return nil
            }
            pass("link", "the name is a symbolic link, which clients follow and servers refuse")
        }
        let (wanted, name) = kind == .fifo ? (S_IFIFO, "FIFO") : (S_IFSOCK, "socket")
        guard status.st_mode & S_IFMT == wanted else {
            let remedy =
                status.st_mode & S_IFMT == S_IFIFO
                ? "a FIFO takes lines: echo text > \(printable(path))" : "another name: no server would replace it"
            fail("file", "it is \(Self.kindName(status)), not a \(name)", remedy: remedy)
            return nil
        }
        pass("file", "a \(name), \(Self.shown(status))")
        return status
    }

    private mutating func examinePermission(of path: String, _ status: stat) {
        guard unsafe faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 else {
            fail(
                "permission", "user \(Self.ownName) may not write to it, as connecting needs",
                remedy: "the server's --allow or --group (permissions and accessPolicy in Swift); or its own user")
            return
        }
        pass("permission", "user \(Self.ownName) may connect to it")
    }

    // MARK: - Words

    private static var ownName: String { UserDatabase.userName(geteuid()) }

    /// Mode and owner.
    private static func shown(_ status: stat) -> String {
        let digits = String(status.st_mode & 0o777, radix: 8)
        let mode = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return "mode \(mode), owner \(UserDatabase.userName(status.st_uid))"
    }

    /// The text of the last system call's error.
    private static var systemText: String { unsafe String(cString: strerror(errno)) }

    private static func kindName(_ status: stat) -> String {
        switch status.st_mode & S_IFMT {
        case S_IFREG: "a regular file"
        case S_IFDIR: "a directory"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }

    private static func remedyForDirectory(_ error: Int32) -> String {
        switch error {
        case ENOENT: "make it, or let systemd do so (RuntimeDirectory=); servers make none"
        case ELOOP: "a symbolic link on the path leads back to itself"
        default: "check the spelling of the path"
        }
    }

    private static func remedyForMissingFile(at path: String) -> String {
        if let holder = lockHolder(of: path) {
            return
                "process \(holder) has the name, but its socket was removed: restart it, if it does not publish it again"
        }
        let names = ((try? LivePipe.all(includingHidden: true)) ?? []).map(\.address)
        let near = suggestion(for: path, among: names.filter { $0.hasPrefix("/") })
        return
            "start the server.\(near.isEmpty ? " Names without a slash differ by user: give the path (pipectl ls)" : near)"
    }

    /// The live process in the lock file of a name.
    static func lockHolder(of path: String) -> Int32? {
        guard let text = try? String(contentsOfFile: lockFile(of: path), encoding: .utf8),
            let line = text.split(separator: "\n").first,
            let processID = Int32(line), ProcessFacts.name(of: processID) != nil
        else { return nil }
        return processID
    }

    /// Whether a process has the lock of a name (flock(2)): its file stays behind when a server was killed, and the
    /// process's number may be another one's by now. True if this user cannot find out.
    static func isLocked(_ path: String) -> Bool {
        let descriptor = unsafe open(lockFile(of: path), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno != ENOENT }
        // This releases the lock again.
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    private static func lockFile(of path: String) -> String {
        // It is beside the socket itself.
        let url = URL(filePath: path).resolvingSymlinksInPath()
        return url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).lock").path
    }
}

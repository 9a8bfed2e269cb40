// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// The right to a name, held from before its socket appears until after it is gone (`flock(2)`).
///
/// The lock is a file `.NAME.lock` beside the socket. The kernel drops it when the process ends, however it ends. The
/// file stays, with the process's ID in it while the lock is held: unlinking it would be one more thing to race about.
/// Only beside a generated name, which nobody will ever start at again, it is removed.
///
/// A live server's lock is had by asking for it; see `HandOver.swift`.
struct SocketFileLock: ~Copyable {
    let file: OwnedDescriptor
    private let name: String

    /// Whether a live server gave the lock up for us, and still has the name.
    let isSuccession: Bool

    /// False while it is given up to a successor that asked for it.
    var isHeld = true

    /// Takes the lock of an address's name, or says who has it.
    ///
    /// - Parameter patience: how long to wait for a live server to give the lock up; nil not to ask it.
    /// - Throws: ``PipeError/addressInUse(_:holder:)`` if it is taken, ``PipeError/takeOverTimedOut(_:holder:)``.
    static func take(
        for address: PipeAddress, _ name: String, in directory: borrowing Directory, askingFor patience: Duration? = nil
    ) throws(PipeError) -> SocketFileLock {
        let lockName = ".\(name).lock"
        // The file that was opened may be removed by somebody before it is locked; then the lock is worth nothing.
        for _ in 0..<16 {
            let file = try open(lockName, in: directory)
            let isFree = try isLocked(file)
            if !isFree {
                guard let patience else { throw .addressInUse(address, holder: recordedProcess(in: file)) }
                try askFor(file, of: address, patience)
            }
            let isCurrent = try directory.naming(lockName) { () throws(SystemError) in
                try directory.status(of: lockName)?.identity == FileStatus(of: file.rawValue).identity
            }
            if isCurrent {
                record(getpid(), in: file)
                return SocketFileLock(file: file, name: lockName, isSuccession: !isFree)
            }
        }
        throw .addressInUse(address, holder: nil)
    }

    /// Removes the lock's file, for a name that will not be used again. Whoever waits with the old file in hand finds
    /// out that it has no name any more.
    borrowing func removeFile(from directory: borrowing Directory) {
        do {
            guard try directory.status(of: name)?.identity == FileStatus(of: file.rawValue).identity else { return }
            try directory.remove(name)
        } catch {
            // A leftover empty file is not worth failing for.
        }
    }

    deinit {
        // Still locked: the next one must not be taken for this process.
        if isHeld { Self.empty(file) }
        // Closing would not be enough: a child process between its fork and its exec has a copy of the descriptor, and
        // the lock lasts until the last copy is closed. Unlocking counts for all of them.
        Self.unlock(file)
        Candidacy.end(file)
    }

    static func unlock(_ file: borrowing OwnedDescriptor) {
        let descriptor = file.rawValue
        _ = try? systemCall("flock") { flock(descriptor, LOCK_UN) }
    }

    private static func open(_ name: String, in directory: borrowing Directory) throws(PipeError) -> OwnedDescriptor {
        let path = directory.path(of: name)
        let file = try directory.naming(name) { () throws(SystemError) in try directory.openFile(name, mode: 0o600) }
        let status = try directory.naming(name) { () throws(SystemError) in try FileStatus(of: file.rawValue) }
        guard status.kind == .regular, status.linkCount <= 1 else {
            throw .unusableLocation(path: path, .notALockFile)
        }
        guard status.owner == geteuid() else { throw .unusableLocation(path: path, .foreignOwner(status.owner)) }
        // A umask may have left its maker, and so the next start, without permission.
        let descriptor = file.rawValue
        _ = try directory.naming(name) { () throws(SystemError) in
            try systemCall("fchmod") { fchmod(descriptor, 0o600) }
        }
        return file
    }

    /// Whether the lock could be taken.
    static func isLocked(_ file: borrowing OwnedDescriptor) throws(PipeError) -> Bool {
        let descriptor = file.rawValue
        do {
            return try nonBlockingCall("flock") { flock(descriptor, LOCK_EX | LOCK_NB) } != nil
        } catch {
            throw .system(error)
        }
    }

    /// Writes the process ID into the file; for diagnosis only, so that failing to is no failure.
    static func record(_ process: Int32, in file: borrowing OwnedDescriptor) {
        let descriptor = file.rawValue
        let text = Array("\(process)\n".utf8)
        empty(file)
        _ = try? systemCall("pwrite") { unsafe pwrite(descriptor, text, text.count, 0) }
    }

    private static func empty(_ file: borrowing OwnedDescriptor) {
        let descriptor = file.rawValue
        _ = try? systemCall("ftruncate") { ftruncate(descriptor, 0) }
    }

    /// The process that holds the lock, by its own word.
    static func recordedProcess(in file: borrowing OwnedDescriptor) -> Int32? {
        let descriptor = file.rawValue
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = try? systemCall("pread") { unsafe pread(descriptor, &bytes, bytes.count, 0) }
        let text = bytes.prefix(count ?? 0)
        // Without the end of the line it was cut short, and names somebody else.
        guard let end = text.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let digits = text[..<end]
        return Int32(String(decoding: digits, as: UTF8.self)).flatMap { $0 > 0 ? $0 : nil }
    }
}

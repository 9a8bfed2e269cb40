// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EACCES
internal import PipeReactor

/// The right to a name, held from before its socket appears until after it is gone (`flock(2)`).
///
/// The lock is a file `.NAME.lock` beside the socket. The kernel releases the lock when the process ends, however it
/// ends. The file stays, and contains the process's ID while the lock is held: unlinking it would add one more race. It
/// is removed only beside a generated name, at which no server will ever start again.
///
/// A live server's lock is obtained by asking for it; see `HandOver.swift`.
struct NameLock: ~Copyable {
    private(set) var file: OwnedDescriptor
    private let name: String

    /// The record of the server that gave the lock up for us and still has the name; nil if there was none.
    let predecessor: LockRecord?

    private var upkeep = Upkeep()

    /// False while the lock is given up to a successor that asked for it.
    var isHeld = true

    /// The socket that has the name under this lock.
    private(set) var socket: FileIdentity?

    private init(_ file: consuming OwnedDescriptor, _ name: String, _ predecessor: LockRecord?) {
        self.file = file
        self.name = name
        self.predecessor = predecessor
    }

    /// Whether a live server gave the lock up for us, and still has the name.
    var isSuccession: Bool { predecessor != nil }

    /// Takes the lock of an address's name, or throws an error that names its holder.
    ///
    /// - Parameter patience: how long to wait for a live server to give the lock up; nil not to ask it.
    /// - Throws: ``PipeError/addressInUse(_:holder:)`` if it is taken, ``PipeError/takeOverTimedOut(_:holder:)``.
    static func take(
        for address: PipeAddress, _ name: String, in directory: borrowing Directory, askingFor patience: Duration? = nil
    ) throws(PipeError) -> NameLock {
        let lockName = ".\(name).lock"
        // Another process may remove the opened file before it is locked; then the lock is worthless.
        for _ in 0..<16 {
            let file = try open(lockName, in: directory)
            let isFree = try isLocked(file)
            if isFree {
                // The lock may have been given up for a candidate, which reads in the file whose socket has the name.
                guard !Candidacy.exists(for: file) else {
                    unlock(file)
                    throw .addressInUse(address, holder: record(in: file).runningProcessID)
                }
            } else {
                guard let patience else { throw .addressInUse(address, holder: record(in: file).runningProcessID) }
                try askFor(file, of: address, patience)
            }
            let isCurrent = try directory.naming(lockName) { () throws(SystemError) in
                try isFile(file, named: lockName, in: directory)
            }
            if isCurrent {
                let predecessor = isFree ? nil : record(in: file)
                let lock = NameLock(file, lockName, predecessor)
                lock.record()
                return lock
            }
        }
        throw .addressInUse(address, holder: nil)
    }

    /// The socket has the name: recorded in the file, and other processes may become candidates.
    mutating func didPlace(_ socket: FileIdentity) {
        self.socket = socket
        record()
        endCandidacy()
    }

    /// Whether other processes still find the file.
    borrowing func isInPlace(in directory: borrowing Directory) -> Bool {
        // A file that cannot be examined is not considered lost.
        (try? Self.isFile(file, named: name, in: directory)) ?? true
    }

    /// Makes the file again after its removal, and takes the lock anew; returns false while that is not possible. Then
    /// it releases the old file: a process that waits for it notices that it has no name any more.
    mutating func putBack(in directory: borrowing Directory) -> Bool {
        do {
            let fresh = try Self.open(name, in: directory)
            guard try Self.isLocked(fresh), try Self.isFile(fresh, named: name, in: directory) else { return false }
            file = fresh
        } catch {
            return false
        }
        record()
        return true
    }

    /// Prevents the file from looking old; see ``Upkeep``.
    mutating func refresh(at now: ContinuousClock.Instant, _ time: Int) {
        do {
            guard upkeep.isDue(try FileStatus(of: file.rawValue), at: now, time) else { return }
        } catch {
            // Its age is unknown: the next check will try again.
            return
        }
        OpenFile.touch(file)
    }

    private static func isFile(
        _ file: borrowing OwnedDescriptor, named name: String, in directory: borrowing Directory
    ) throws(SystemError) -> Bool {
        try directory.status(of: name)?.identity == FileStatus(of: file.rawValue).identity
    }

    /// Removes the lock's file, for a name that will not be used again. A process that waits with the old file open
    /// notices that it has no name any more.
    borrowing func removeFile(from directory: borrowing Directory) {
        do {
            guard try Self.isFile(file, named: name, in: directory) else { return }
            try directory.remove(name)
        } catch {
            // A leftover empty file is not worth a failure.
        }
    }

    deinit {
        // While still locked: the next holder must not be taken for this process.
        if isHeld { OpenFile.empty(file) }
        // Closing would not suffice: a child process between its fork and its exec has a copy of the descriptor, and
        // the lock lasts until the last copy is closed. Unlocking affects all copies.
        Self.unlock(file)
        Candidacy.end(file)
    }

    static func unlock(_ file: borrowing OwnedDescriptor) { WholeFileLock.release(file) }

    private static func open(_ name: String, in directory: borrowing Directory) throws(PipeError) -> OwnedDescriptor {
        let path = directory.path(of: name)
        let file = try openFile(name, in: directory)
        let status = try directory.naming(name) { () throws(SystemError) in try FileStatus(of: file.rawValue) }
        guard status.kind == .regular, status.linkCount <= 1 else {
            throw .unusableLocation(path: path, .notALockFile)
        }
        guard status.owner == CurrentProcess.userID else {
            throw .unusableLocation(path: path, .foreignOwner(status.owner))
        }
        // A umask may have left its maker, and thereby the next start, without permission.
        try directory.naming(name) { () throws(SystemError) in try OpenFile.setMode(file, mode) }
        return file
    }

    private static func openFile(
        _ name: String, in directory: borrowing Directory
    ) throws(PipeError) -> OwnedDescriptor {
        do { return try directory.openFile(name, mode: mode) } catch {
            throw try refusal(of: name, in: directory, error)
        }
    }

    private static func refusal(
        of name: String, in directory: borrowing Directory, _ error: SystemError
    ) throws(PipeError) -> PipeError {
        let found = try directory.naming(name) { () throws(SystemError) in try directory.status(of: name) }
        // The user has never heard of the lock's file: if it does not exist, the problem is that the directory does not
        // let us make it.
        guard let found else { return .making(in: directory.path, error) }
        let isForeign = error.code == EACCES && found.owner != CurrentProcess.userID
        return isForeign
            ? .unusableLocation(path: directory.path(of: name), .foreignOwner(found.owner))
            : .atLocation(directory.path(of: name), error)
    }

    /// No other user may open it; see ``Upkeep`` for the rest.
    static let mode = Upkeep.spared(0o600)

    /// Whether the lock could be taken.
    static func isLocked(_ file: borrowing OwnedDescriptor) throws(PipeError) -> Bool {
        do { return try WholeFileLock.take(file) } catch { throw .system(error) }
    }

    /// Records in the file who has the lock. The record is for diagnosis and for successors, which can do without:
    /// failing to write it is no failure.
    borrowing func record() {
        OpenFile.empty(file)
        OpenFile.write(Array(LockRecord.own(socket).text.utf8), to: file)
    }

    /// The record that the holder wrote.
    static func record(in file: borrowing OwnedDescriptor) -> LockRecord {
        LockRecord(parsing: SmallFile.bytes(of: file, upTo: LockRecord.byteLimit) ?? [])
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.ENOENT
internal import var Glibc.ENOTDIR
internal import PipeReactor

/// A claimed name in a directory, from before its socket exists until after it is gone.
///
/// Sockets leave their files behind, `bind` does not replace a file, and a refused connection does not prove that there
/// is no server. Servers that "unlink and bind" therefore displace each other when they start at the same time. The
/// following steps have one owner at any time, and never touch another owner's files:
///
/// 1. The directory is held by descriptor; only this user and root may rename in it, or in one above it.
/// 2. The lock beside the name is taken. From here on, no other server of this library works on the name.
/// 3. The name must be free, or a socket of this user with no server behind it.
/// 4. A socket is bound to a temporary name, given its exact permissions, and listens.
/// 5. The socket, ready to use, gets its name atomically: no client ever meets a socket that does not listen or that
///    has other permissions. (The kernel continues to show the temporary name, which is therefore one that an operator
///    recognises.)
/// 6. At the end the name is removed if it is still this very socket, which the caller keeps open until then: as long
///    as the socket lives, no other file can have its device and inode. Then the lock is released.
///
/// A successor that takes a live name over differs in two steps. In the second it asks the owner for the lock, and
/// waits for it for a limited time; see `HandOver.swift`. In the fifth it renames over the name: from that moment
/// clients reach the new socket instead of the old one, which keeps the clients that wait in its queue. The old owner,
/// which serves until that moment, notices that the name belongs to another socket and leaves it alone. A server that
/// dies on the way leaves one of the other states: after a dead candidate, the server takes its lock back; a dead
/// predecessor leaves a stale name.
///
/// The end of this value performs step 6. A failure on the way leaves no file but the lock's.
struct SocketFile: ~Copyable {
    let address: PipeAddress
    let name: String
    let directory: Directory
    private(set) var lock: NameLock
    private(set) var identity: FileIdentity?
    private var upkeep = Upkeep()

    private init(
        _ address: PipeAddress, _ name: String, _ directory: consuming Directory, _ lock: consuming NameLock
    ) {
        self.address = address
        self.name = name
        self.directory = directory
        self.lock = lock
    }

    /// Performs steps 1 to 3.
    static func claim(_ address: PipeAddress, _ claim: NameClaim) throws(PipeError) -> SocketFile {
        guard let location = address.fileLocation else { preconditionFailure("\(address) has no file") }
        let directory = try Directory.open(location.directory, verifies: !claim.allowsInsecureDirectory)
        // Checked once before there is a lock, so that a refusal leaves nothing behind, and again when no other process
        // works on the name.
        _ = try directory.socketOfOurs(named: location.name, claim.permissions)
        let lock = try NameLock.take(
            for: address, location.name, in: directory, askingFor: claim.takeOverTimeout)
        let file = SocketFile(address, location.name, directory, lock)
        try file.refuseIfAlive(file.name, claim.permissions)
        try file.removeLeftover(claim.permissions)
        return file
    }

    /// Performs steps 4 and 5: afterwards clients reach the socket.
    mutating func place(
        _ socket: borrowing OwnedDescriptor, permissions: SocketPermissions, backlog: Int32
    ) throws(PipeError) {
        let temporary = Self.temporaryName(for: name)
        try bind(socket, temporary, permissions)
        do {
            let placed = try furnish(socket, named: temporary, permissions, backlog)
            try publish(temporary, permissions)
            identity = placed
            lock.didPlace(placed)
        } catch {
            // A failed removal is not reported: the first error is the relevant one, and the next start removes the
            // file.
            _ = try? directory.remove(temporary)
            throw error
        }
    }

    /// Whether the name is still the socket that was placed; false after its removal or replacement.
    var isInPlace: Bool { placedStatus != nil }

    private var placedStatus: FileStatus? {
        guard let identity else { return nil }
        do {
            let status = try directory.status(of: name)
            return status?.identity == identity ? status : nil
        } catch {
            return nil
        }
    }

    mutating func giveLockUp() { lock.giveUp() }

    mutating func takeLockBack() -> Bool { lock.takeBack() }

    /// Makes the lock's file again; false while that is not possible.
    mutating func putLockBack() -> Bool { lock.putBack(in: directory) }

    /// Prevents the files from looking old; see ``Upkeep``.
    mutating func refresh(at now: ContinuousClock.Instant, _ time: Int) {
        guard lock.isHeld, let status = placedStatus else { return }
        // It fails if nothing can be written, and then nothing can be removed, either.
        if upkeep.isDue(status, at: now, time) { _ = try? directory.touch(name) }
        lock.refresh(at: now, time)
    }

    deinit {
        // Only under the lock: between the check and the removal, a successor could put its own socket there.
        guard lock.canBeHeld else { return }
        if isInPlace { _ = try? directory.remove(name) }
        // A successor that has failed leaves the name, and its lock, to the predecessor.
        if address.isGenerated, identity != nil || !lock.isSuccession { lock.removeFile(from: directory) }
    }
}

extension SocketFile {
    /// The result of a check of the name.
    var look: NameStateMachine.Look {
        NameStateMachine.Look(
            isReachable: isReachable, isWanted: lock.isWanted, isLockInPlace: lock.isInPlace(in: directory),
            occupant: occupant)
    }

    /// The process that has the lock, for diagnosis.
    var holder: Int32? { lock.holder }

    /// Watches the socket's file and the lock's; both have to be there.
    func watch(with watcher: FileWatcher, changed: @escaping () -> Void) throws(SystemError) -> [FileWatch] {
        let socket = "/proc/self/fd/\(directory.descriptor.rawValue)/\(name)"
        return [
            try watcher.watch(socket, followsLinks: false, changed),
            try watcher.watch("/proc/self/fd/\(lock.file.rawValue)", followsLinks: true, changed),
        ]
    }

    /// Whether clients find the socket: it is in place, and the path leads there. A name that cannot be examined is not
    /// considered lost.
    private var isReachable: Bool {
        guard isInPlace else { return false }
        do {
            return try FileStatus(of: address.text).identity == identity
        } catch {
            return error.code != ENOENT && error.code != ENOTDIR
        }
    }

    private var occupant: NameStateMachine.Occupant {
        do {
            guard let status = try FileStatus(ifExists: address.text) else { return .nobody }
            return status.kind == .socket ? .socket : .other
        } catch {
            return .other
        }
    }
}

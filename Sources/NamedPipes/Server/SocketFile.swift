// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// A claimed name in a directory, from before the socket has it until after it is gone.
///
/// Sockets leave their files behind, `bind` does not replace a file, and a refused connection does not prove that nobody
/// is there. Servers that "unlink and bind" therefore displace each other when they start at the same time. The recipe
/// here has one owner at any time, and never touches what is not its own:
///
/// 1. The directory is held by descriptor; nobody but this user and root may rename in it.
/// 2. The lock beside the name is taken. From here on, no other server of this library is at work on the name.
/// 3. The name must be free, or a socket of this user with nobody behind it.
/// 4. A socket is bound to a temporary name, given its exact permissions, and listens.
/// 5. It gets its name at one stroke, ready: no client ever meets a socket without listener or with other permissions.
/// 6. At the end the name is removed if it is still this very socket, which the caller keeps open until then: as long as
///    it lives, no other file can have its device and inode. Then the lock is dropped.
///
/// A successor that takes a live name over differs in two steps. In the second it asks the owner for the lock, and waits
/// for it a limited time; see `HandOver.swift`. In the fifth it renames over the name: at one stroke clients meet the new
/// socket instead of the old one, which keeps the clients that wait in its queue. The old owner, who serves until that
/// moment, finds that the name is another socket's and leaves it alone. Whoever dies on the way leaves a state that is
/// one of the others: a dead candidate a server that takes its lock back, a dead predecessor a stale name.
///
/// The end of the value is step 6. Whatever fails on the way leaves no file but the lock's.
struct SocketFile: ~Copyable {
    private let address: PipeAddress
    private let name: String
    private let directory: Directory
    private var lock: SocketFileLock
    private var identity: FileIdentity?

    private init(
        _ address: PipeAddress, _ name: String, _ directory: consuming Directory, _ lock: consuming SocketFileLock
    ) {
        self.address = address
        self.name = name
        self.directory = directory
        self.lock = lock
    }

    /// Steps 1 to 3.
    static func claim(_ address: PipeAddress, _ claim: NameClaim) throws(PipeError) -> SocketFile {
        guard let location = address.fileLocation else { preconditionFailure("\(address) has no file") }
        let directory = try Directory.open(location.directory)
        if !claim.allowsInsecureDirectory { try directory.verifyOwnership() }
        // Once before there is a lock, so that a refusal leaves nothing; once more when nobody else is at work.
        _ = try directory.socketOfOurs(named: location.name, claim.permissions)
        let lock = try SocketFileLock.take(
            for: address, location.name, in: directory, askingFor: claim.takeOverTimeout)
        let file = SocketFile(address, location.name, directory, lock)
        if !file.lock.isSuccession { try file.refuseIfAlive(file.name, claim.permissions) }
        try file.removeLeftover(claim.permissions)
        return file
    }

    /// Steps 4 and 5: afterwards clients reach the socket.
    mutating func place(
        _ socket: borrowing OwnedDescriptor, permissions: SocketPermissions, backlog: Int32
    ) throws(PipeError) {
        let temporary = Self.temporaryName(for: name)
        do {
            // Never more than what it shall have, until it has exactly that.
            try NamingSocket.limitMode(socket, to: permissions.mode & 0o600)
            try NamingSocket.bind(socket, to: SocketAddress(temporary, in: directory))
        } catch let error where error.code == EADDRINUSE {
            throw .addressInUse(address, holder: nil)
        } catch {
            // The directory is held open: what may be missing is /proc.
            throw error.code == ENOENT ? .system(error) : .atLocation(directory.path, error)
        }
        do {
            let placed = try furnish(socket, named: temporary, permissions, backlog)
            try publish(temporary, permissions)
            identity = placed
            lock.endCandidacy()
        } catch {
            // A failed removal is not told: the first error is the one to know, and the next start tidies up.
            _ = try? directory.remove(temporary)
            throw error
        }
    }

    /// Whether the name still is the socket that was placed; false after somebody removed or replaced it.
    var isInPlace: Bool {
        guard let identity else { return false }
        do { return try directory.status(of: name)?.identity == identity } catch { return false }
    }

    deinit {
        // Only under the lock: between the look and the removal, a successor could put its own socket there.
        guard lock.canBeHeld else { return }
        if isInPlace { _ = try? directory.remove(name) }
        // A successor that has failed leaves the name, and its lock, to the predecessor.
        if address.isGenerated, identity != nil || !lock.isSuccession { lock.removeFile(from: directory) }
    }
}

extension SocketFile {
    /// What there is to know about the name now.
    var look: NameGuard.Look {
        NameGuard.Look(isReachable: isReachable, isWanted: lock.isWanted, occupant: occupant)
    }

    /// The process that has the lock, for diagnosis.
    var holder: Int32? { lock.holder }

    mutating func giveLockUp() { lock.giveUp() }

    mutating func takeLockBack() -> Bool { lock.takeBack() }

    /// Watches the socket's file and the lock's; both have to be there.
    func watch(with watcher: FileWatcher, changed: @escaping () -> Void) throws(SystemError) -> [FileWatch] {
        let socket = "/proc/self/fd/\(directory.descriptor.rawValue)/\(name)"
        return [
            try watcher.watch(socket, followsLinks: false, changed),
            try watcher.watch("/proc/self/fd/\(lock.file.rawValue)", followsLinks: true, changed),
        ]
    }

    /// Whether clients find the socket: it is in place, and the path leads there. What cannot be looked at is not called
    /// lost.
    private var isReachable: Bool {
        guard isInPlace else { return false }
        do {
            return try FileStatus(of: address.text).identity == identity
        } catch {
            return error.code != ENOENT && error.code != ENOTDIR
        }
    }

    private var occupant: NameGuard.Occupant {
        do {
            guard let status = try FileStatus(ifExists: address.text) else { return .nobody }
            return status.kind == .socket ? .socket : .other
        } catch {
            return .other
        }
    }
}

extension SocketFile {
    /// The name that the socket has before it is published. One is enough, since only the holder of the lock uses it;
    /// that makes what a crash left behind easy to find, whatever the size of the directory.
    ///
    /// It must fit behind the `/proc` path, which a long name does not: then a hash stands for the rest.
    static func temporaryName(for name: String) -> String {
        let whole = ".\(name).tmp"
        if whole.utf8.count <= SocketAddress.maximumNameByteCount { return whole }
        let beginning = String(decoding: name.utf8.prefix(32), as: UTF8.self)
        return ".\(beginning)~\(hexadecimal(fnv1a(name.utf8))).tmp"
    }

    private static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    private borrowing func refuseIfAlive(_ name: String, _ permissions: SocketPermissions) throws(PipeError) {
        guard try directory.socketOfOurs(named: name, permissions) else { return }
        // A long name does not fit behind the path of its directory's descriptor; as an address, it always fits.
        let fits = name.utf8.count <= SocketAddress.maximumNameByteCount
        let socketAddress = fits ? SocketAddress(name, in: directory) : SocketAddress(address)
        let isAlive = try directory.naming(name) { () throws(SystemError) in try Occupancy.isAlive(socketAddress) }
        if isAlive { throw .addressInUse(address, holder: Occupancy.listener(at: socketAddress)) }
    }

    /// Removes what a start that was killed between step 4 and step 5 left behind.
    private borrowing func removeLeftover(_ permissions: SocketPermissions) throws(PipeError) {
        let temporary = Self.temporaryName(for: name)
        try refuseIfAlive(temporary, permissions)
        guard try directory.socketOfOurs(named: temporary, permissions) else { return }
        try directory.naming(temporary) { () throws(SystemError) in try directory.remove(temporary) }
    }

    private borrowing func furnish(
        _ socket: borrowing OwnedDescriptor, named temporary: String, _ permissions: SocketPermissions, _ backlog: Int32
    ) throws(PipeError) -> FileIdentity {
        do {
            let identity = try FileStatus(of: temporary, in: directory.descriptor.rawValue).identity
            // The owners first: the mode's bits are meant for them, not for those before.
            if permissions.userID != nil || permissions.groupID != nil {
                try directory.changeOwner(of: temporary, to: permissions.userID, group: permissions.groupID)
            }
            try directory.changeMode(of: temporary, to: permissions.mode)
            try NamingSocket.listen(socket, backlog: backlog)
            return identity
        } catch {
            throw .atLocation(directory.path(of: name), error)
        }
    }

    /// Takes a free name by linking, which fails if somebody without the lock was faster, and the place of a dead socket
    /// or of the predecessor's by renaming.
    private borrowing func publish(_ temporary: String, _ permissions: SocketPermissions) throws(PipeError) {
        if try directory.socketOfOurs(named: name, permissions) == false {
            do {
                try directory.link(temporary, as: name)
                _ = try? directory.remove(temporary)
                return
            } catch let error where error.code == EEXIST {
                throw .addressInUse(address, holder: nil)
            } catch {
                // Not every file system has links; renaming will tell what else is wrong.
            }
        }
        try directory.naming(name) { () throws(SystemError) in try directory.rename(temporary, onto: name) }
    }
}

extension Directory {
    /// True for a socket of this user, or of the one that sockets here are given to; false for a free name.
    ///
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` for everything else, which is not ours to replace.
    fileprivate borrowing func socketOfOurs(
        named name: String, _ permissions: SocketPermissions
    ) throws(PipeError) -> Bool {
        guard let status = try naming(name, { () throws(SystemError) in try status(of: name) }) else { return false }
        let isOurs = status.owner == geteuid() || status.owner == permissions.userID
        let problem: UnusableLocation? =
            switch status.kind {
            case .socket: isOurs ? nil : .foreignOwner(status.owner)
            case .symbolicLink: .symbolicLink
            case .directory, .regular, .other: .notASocket
            }
        if let problem { throw .unusableLocation(path: path(of: name), problem) }
        return true
    }
}

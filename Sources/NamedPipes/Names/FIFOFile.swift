// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A FIFO with a name, from before it exists until after it is gone. The rules are those of ``SocketFile``: the
/// directory is held by descriptor, the lock beside the name comes first, and a name that is not ours is left alone.
/// They are simpler in one respect: nothing is placed atomically, because a FIFO that exists is ready.
///
/// A FIFO that a killed server left behind, which its lock's record tells, is taken over with what it holds, which is
/// nothing: its bytes go with the last process that has it open. Any other FIFO at the name was made by somebody for
/// this purpose, as mkfifo(1) does: it is used as it is, with its mode and owner, and stays.
struct FIFOFile: ~Copyable {
    let fifo: OwnedDescriptor
    private let directory: Directory
    private let name: String
    private var lock: NameLock
    private let identity: FileIdentity
    /// Whether a server has made it.
    private let isOurs: Bool

    static func claim(_ address: PipeAddress, _ claim: NameClaim) throws(PipeError) -> FIFOFile {
        guard let location = address.fileLocation else { preconditionFailure("\(address) has no file") }
        let (name, path) = (location.name, location.directory)
        let directory = try Directory.open(path, verifies: !claim.allowsInsecureDirectory)
        // Checked before there is a lock, so that a refusal leaves nothing behind.
        _ = try directory.existingFIFO(named: name, claim.permissions)
        let lock = try NameLock.take(for: address, name, in: directory)
        let existing = try directory.existingFIFO(named: name, claim.permissions)
        if existing == nil {
            do { try directory.makeFIFO(name, mode: claim.permissions.mode & 0o600) } catch {
                throw .making(in: directory.path, error)
            }
        }
        let fifo = try directory.naming(name) { () throws(SystemError) in try directory.openFIFO(name) }
        let status = try directory.naming(name) { () throws(SystemError) in try FileStatus(of: fifo.rawValue) }
        guard status.kind == .fifo else { throw .unusableLocation(path: address.text, .notAFIFO) }
        let isOurs = existing == nil || lock.leftBehind == status.identity
        if isOurs {
            try directory.naming(name) { () throws(SystemError) in
                try OpenFile.furnish(fifo, claim.permissions, mode: Upkeep.spared(claim.permissions.mode))
            }
        }
        return FIFOFile(fifo, directory, name, lock, status.identity, isOurs: isOurs)
    }

    private init(
        _ fifo: consuming OwnedDescriptor, _ directory: consuming Directory, _ name: String,
        _ lock: consuming NameLock, _ identity: FileIdentity, isOurs: Bool
    ) {
        self.fifo = fifo
        self.directory = directory
        self.name = name
        self.lock = lock
        self.identity = identity
        self.isOurs = isOurs
        if isOurs { self.lock.didPlace(identity) }
    }

    deinit {
        guard isOurs else { return }
        do {
            // Under the lock, and while the FIFO is open: no other file can have its identity.
            if try directory.status(of: name)?.identity == identity { try directory.remove(name) }
        } catch {
            // A FIFO that stays is taken over by the next server.
        }
    }
}

extension Directory {
    /// The FIFO of this user, of the configured owner or of root that has the name; nil for a free name.
    ///
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` for everything else, which must not be replaced.
    fileprivate borrowing func existingFIFO(
        named name: String, _ permissions: SocketPermissions
    ) throws(PipeError) -> FileIdentity? {
        guard let status = try naming(name, { () throws(SystemError) in try status(of: name) }) else { return nil }
        let owners = [0, CurrentProcess.userID, permissions.userID].filter { $0 != CurrentProcess.overflowUserID }
        let problem: UnusableLocation? =
            switch status.kind {
            case .fifo: owners.contains(status.owner) ? nil : .foreignOwner(status.owner)
            case .symbolicLink: .symbolicLink
            case .directory, .regular, .socket, .other: .notAFIFO
            }
        if let problem { throw .unusableLocation(path: path(of: name), problem) }
        return status.identity
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A FIFO with a name, from before it exists until after it is gone. The rules are those of ``SocketFile``: the
/// directory is held by descriptor, the lock beside the name comes first, and a name that is not ours is left alone.
/// They are simpler in one respect: nothing is placed atomically, because a FIFO that exists is ready.
///
/// A FIFO that a server has made carries the sticky bit from the beginning (``Upkeep``), which mkfifo(1) does not set.
/// By this mark, one that a killed server left behind is recognized, and taken over with what it holds, which is
/// nothing: its bytes go with the last process that has it open. Any other FIFO was made for this server by its
/// administrator: it is used as it is, with its mode and owner, and stays.
struct FIFOFile: ~Copyable {
    let fifo: OwnedDescriptor
    private let directory: Directory
    private let name: String
    private let lock: NameLock
    private let identity: FileIdentity
    /// Whether a server of this library has made it.
    private let isOurs: Bool

    static func claim(_ address: PipeAddress, _ claim: NameClaim) throws(PipeError) -> FIFOFile {
        guard let location = address.fileLocation else { preconditionFailure("\(address) has no file") }
        let (name, path) = (location.name, location.directory)
        let directory = try Directory.open(path, verifies: !claim.allowsInsecureDirectory)
        // Checked before there is a lock, so that a refusal leaves nothing behind.
        _ = try directory.hasFIFO(named: name, claim.permissions)
        let lock = try NameLock.take(for: address, name, in: directory)
        let isNew = try !directory.hasFIFO(named: name, claim.permissions)
        if isNew {
            do { try directory.makeFIFO(name, mode: Upkeep.spared(claim.permissions.mode & 0o600)) } catch {
                throw .making(in: directory.path, error)
            }
        }
        let fifo = try directory.openFIFO(name, isNew: isNew)
        let status = try directory.naming(name) { () throws(SystemError) in try FileStatus(of: fifo.rawValue) }
        // Of the file that was opened: only in a directory that was not verified can it be another one.
        try status.checkFIFO(at: address.text, claim.permissions)
        // If the rest fails, one of ours goes with this value.
        let file = FIFOFile(fifo, directory, name, lock, status, claim.permissions)
        if file.isOurs {
            do throws(SystemError) {
                try OpenFile.furnish(file.fifo, claim.permissions, mode: Upkeep.spared(claim.permissions.mode))
            } catch {
                throw .atLocation(address.text, error)
            }
        }
        return file
    }

    private init(
        _ fifo: consuming OwnedDescriptor, _ directory: consuming Directory, _ name: String,
        _ lock: consuming NameLock, _ status: FileStatus, _ permissions: SocketPermissions
    ) {
        self.fifo = fifo
        self.directory = directory
        self.name = name
        self.lock = lock
        identity = status.identity
        isOurs = Upkeep.isSpared(status.mode) && permissions.owners.contains(status.owner)
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
    /// Opens a FIFO. If that fails, because no descriptor is free, for example, one that is new goes again.
    fileprivate borrowing func openFIFO(_ name: String, isNew: Bool) throws(PipeError) -> OwnedDescriptor {
        do { return try openFIFO(name) } catch {
            let problem = PipeError.atLocation(path(of: name), error)
            // A failure leaves a FIFO that the next server takes over.
            if isNew { do { try remove(name) } catch { throw problem } }
            throw problem
        }
    }

    /// Whether a FIFO has the name that a server may use; false for a free name.
    ///
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` for everything else, which must not be replaced.
    fileprivate borrowing func hasFIFO(
        named name: String, _ permissions: SocketPermissions
    ) throws(PipeError) -> Bool {
        guard let status = try naming(name, { () throws(SystemError) in try status(of: name) }) else { return false }
        try status.checkFIFO(at: path(of: name), permissions)
        return true
    }
}

extension FileStatus {
    /// Refuses what is not a FIFO of this user, of the configured owner or of root.
    fileprivate func checkFIFO(at path: String, _ permissions: SocketPermissions) throws(PipeError) {
        let problem: UnusableLocation? =
            switch kind {
            case .fifo: owner == 0 || permissions.owners.contains(owner) ? nil : .foreignOwner(owner)
            case .symbolicLink: .symbolicLink
            case .directory, .regular, .socket, .other: .notAFIFO
            }
        if let problem { throw .unusableLocation(path: path, problem) }
    }
}

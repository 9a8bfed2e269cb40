// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A FIFO with a name, from before it exists until after it is gone. The rules are those of ``SocketFile``: the
/// directory is held by descriptor, the lock beside the name comes first, and a name that is not ours is left alone.
/// They are simpler in one respect: nothing is placed atomically, because a FIFO that exists is ready.
///
/// A FIFO that an earlier server left behind is taken over with what it holds, which is nothing: its bytes go with the
/// last process that has it open.
struct FIFOFile: ~Copyable {
    let fifo: OwnedDescriptor
    private let directory: Directory
    private let name: String
    private let lock: NameLock
    private let identity: FileIdentity

    static func claim(_ address: PipeAddress, _ claim: NameClaim) throws(PipeError) -> FIFOFile {
        guard let location = address.fileLocation else { preconditionFailure("\(address) has no file") }
        let (name, path) = (location.name, location.directory)
        let directory = try Directory.open(path, verifies: !claim.allowsInsecureDirectory)
        // Checked before there is a lock, so that a refusal leaves nothing behind.
        _ = try directory.hasFIFOOfOurs(named: name, claim.permissions)
        let lock = try NameLock.take(for: address, name, in: directory)
        if try !directory.hasFIFOOfOurs(named: name, claim.permissions) {
            do { try directory.makeFIFO(name, mode: claim.permissions.mode & 0o600) } catch {
                throw .making(in: directory.path, error)
            }
        }
        let fifo = try directory.naming(name) { () throws(SystemError) in try directory.openFIFO(name) }
        let status = try directory.naming(name) { () throws(SystemError) in try FileStatus(of: fifo.rawValue) }
        guard status.kind == .fifo else { throw .unusableLocation(path: address.text, .notAFIFO) }
        try directory.naming(name) { () throws(SystemError) in
            try OpenFile.furnish(fifo, claim.permissions, mode: Upkeep.spared(claim.permissions.mode))
        }
        return FIFOFile(fifo, directory, name, lock, status.identity)
    }

    private init(
        _ fifo: consuming OwnedDescriptor, _ directory: consuming Directory, _ name: String,
        _ lock: consuming NameLock, _ identity: FileIdentity
    ) {
        self.fifo = fifo
        self.directory = directory
        self.name = name
        self.lock = lock
        self.identity = identity
        self.lock.record()
    }

    deinit {
        do {
            // Under the lock, and while the FIFO is open: no other file can have its identity.
            if try directory.status(of: name)?.identity == identity { try directory.remove(name) }
        } catch {
            // A FIFO that stays is taken over by the next server.
        }
    }
}

extension Directory {
    /// Whether a FIFO of this user, or of the configured owner, has the name; false for a free name.
    ///
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` for everything else, which must not be replaced.
    fileprivate borrowing func hasFIFOOfOurs(
        named name: String, _ permissions: SocketPermissions
    ) throws(PipeError) -> Bool {
        guard let status = try naming(name, { () throws(SystemError) in try status(of: name) }) else { return false }
        let owners = [CurrentProcess.userID, permissions.userID].filter { $0 != CurrentProcess.overflowUserID }
        let problem: UnusableLocation? =
            switch status.kind {
            case .fifo: owners.contains(status.owner) ? nil : .foreignOwner(status.owner)
            case .symbolicLink: .symbolicLink
            case .directory, .regular, .socket, .other: .notAFIFO
            }
        if let problem { throw .unusableLocation(path: path(of: name), problem) }
        return true
    }
}

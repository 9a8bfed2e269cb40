// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EADDRINUSE
internal import var Glibc.EEXIST
internal import var Glibc.ENOENT
internal import PipeReactor

// The steps in which a claimed name gets its socket.

extension SocketFile {
    /// The name of the socket before it is published. One temporary name is enough, because only the holder of the lock
    /// uses it; and the remains of a crash are easy to find, whatever the size of the directory.
    ///
    /// It must fit behind the `/proc` path. If the name is too long for that, a hash stands for the rest.
    static func temporaryName(for name: String) -> String {
        let whole = ".\(name).tmp"
        if whole.utf8.count <= SocketAddress.maximumNameByteCount { return whole }
        let beginning = String(decoding: name.utf8.prefix(32), as: UTF8.self)
        return ".\(beginning)~\(hexadecimal(fnv1a(name.utf8))).tmp"
    }

    private static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    // MARK: Whom the name belongs to

    /// Throws if the name is a live socket that may not be displaced.
    borrowing func refuseIfAlive(_ name: String, _ permissions: SocketPermissions) throws(PipeError) {
        guard let found = try directory.socketOfOurs(named: name, permissions) else { return }
        guard !isPredecessor(found), let socketAddress = address(of: name) else { return }
        let isAlive = try directory.naming(name) { () throws(SystemError) in try NameProbe.isAlive(socketAddress) }
        if isAlive { throw .addressInUse(address, holder: NameProbe.listener(at: socketAddress)) }
    }

    /// Whether the socket belongs to the server that hands us the name, so that it is displaced although it is live.
    private borrowing func isPredecessor(_ socket: FileIdentity) -> Bool {
        guard let predecessor = lock.predecessor else { return false }
        return predecessor.isSilentAboutSocket || predecessor.socket == socket
    }

    /// The address of a name behind the path of its directory's descriptor. A long name may not fit there; the
    /// published name then has the caller's address, which always fits. Nil if neither applies.
    private borrowing func address(of name: String) -> SocketAddress? {
        directory.address(of: name) ?? (name == self.name ? SocketAddress(address) : nil)
    }

    /// Removes the remains of a start that was killed between step 4 and step 5.
    borrowing func removeLeftover(_ permissions: SocketPermissions) throws(PipeError) {
        let temporary = Self.temporaryName(for: name)
        try refuseIfAlive(temporary, permissions)
        guard try directory.socketOfOurs(named: temporary, permissions) != nil else { return }
        try directory.naming(temporary) { () throws(SystemError) in try directory.remove(temporary) }
    }

    // MARK: Step 4

    borrowing func bind(
        _ socket: borrowing OwnedDescriptor, _ temporary: String, _ permissions: SocketPermissions
    ) throws(PipeError) {
        do {
            try tryToBind(socket, temporary, permissions)
        } catch PipeError.unusableLocation(_, .full) {
            // The socket of a killed server may occupy the last inode.
            try removeStale(permissions)
            try tryToBind(socket, temporary, permissions)
        }
    }

    private borrowing func tryToBind(
        _ socket: borrowing OwnedDescriptor, _ temporary: String, _ permissions: SocketPermissions
    ) throws(PipeError) {
        guard let socketAddress = directory.address(of: temporary) else {
            preconditionFailure("\(temporary) is too long")
        }
        do {
            // The mode never exceeds the requested one before it is set exactly.
            try NamingSocket.limitMode(socket, to: Upkeep.spared(permissions.mode & 0o600))
            try NamingSocket.bind(socket, to: socketAddress)
        } catch let error where error.code == EADDRINUSE {
            throw .addressInUse(address, holder: nil)
        } catch {
            // The directory is held open, and the lock was made there, so only /proc can be missing.
            throw error.code == ENOENT ? .system(error) : .making(in: directory.path, error)
        }
    }

    /// Removes the name if there is no server behind it. It is renamed first, so that a socket that a process without
    /// the lock puts in its place after the check keeps the name.
    private borrowing func removeStale(_ permissions: SocketPermissions) throws(PipeError) {
        guard !lock.isSuccession, try directory.socketOfOurs(named: name, permissions) != nil else { return }
        let temporary = Self.temporaryName(for: name)
        try directory.naming(name) { () throws(SystemError) in try directory.rename(name, onto: temporary) }
        do {
            try removeLeftover(permissions)
        } catch {
            _ = try? directory.link(temporary, as: name)
            _ = try? directory.remove(temporary)
            throw error
        }
    }

    borrowing func furnish(
        _ socket: borrowing OwnedDescriptor, named temporary: String, _ permissions: SocketPermissions, _ backlog: Int32
    ) throws(PipeError) -> FileIdentity {
        do {
            let identity = try FileStatus(of: temporary, in: directory.descriptor.rawValue).identity
            // The owners first: the mode is meant for them, not for the previous owners.
            if permissions.userID != nil || permissions.groupID != nil {
                try directory.changeOwner(of: temporary, to: permissions.userID, group: permissions.groupID)
            }
            try directory.changeMode(of: temporary, to: Upkeep.spared(permissions.mode))
            try NamingSocket.listen(socket, backlog: backlog)
            return identity
        } catch {
            throw .atLocation(directory.path(of: name), error)
        }
    }

    // MARK: Step 5

    /// Takes a free name by linking, which fails if a process without the lock was faster. Takes the place of a dead
    /// socket or of the predecessor's by exchanging names, which shows what was displaced.
    borrowing func publish(_ temporary: String, _ permissions: SocketPermissions) throws(PipeError) {
        if try directory.socketOfOurs(named: name, permissions) == nil, try link(temporary) { return }
        do {
            try directory.exchange(temporary, name)
        } catch {
            // Not every file system can exchange. Renaming reports any other error, but does not show what it
            // displaces.
            return try directory.naming(name) { () throws(SystemError) in try directory.rename(temporary, onto: name) }
        }
        try removeDisplaced(temporary, permissions)
    }

    /// Returns false if the file system has no links.
    private borrowing func link(_ temporary: String) throws(PipeError) -> Bool {
        do {
            try directory.link(temporary, as: name)
        } catch let error where error.code == EEXIST {
            throw .addressInUse(address, holder: nil)
        } catch {
            return false
        }
        _ = try? directory.remove(temporary)
        return true
    }

    /// Restores the name if its former holder is not a dead socket: a process without the lock had put a live socket
    /// there meanwhile.
    private borrowing func removeDisplaced(_ temporary: String, _ permissions: SocketPermissions) throws(PipeError) {
        do {
            try removeLeftover(permissions)
        } catch {
            _ = try? directory.exchange(temporary, name)
            throw error
        }
    }
}

extension Directory {
    /// The socket at a name, if it belongs to this user or to the configured owner; nil for a free name.
    ///
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` for everything else, which must not be replaced.
    borrowing func socketOfOurs(
        named name: String, _ permissions: SocketPermissions
    ) throws(PipeError) -> FileIdentity? {
        guard let status = try naming(name, { () throws(SystemError) in try status(of: name) }) else { return nil }
        let problem: UnusableLocation? =
            switch status.kind {
            case .socket: permissions.owners.contains(status.owner) ? nil : .foreignOwner(status.owner)
            case .symbolicLink: .symbolicLink
            case .directory, .regular, .fifo, .other: .notASocket
            }
        if let problem { throw .unusableLocation(path: path(of: name), problem) }
        return status.identity
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EADDRINUSE
internal import PipeReactor

/// The name of a server that is not ours while a socket of this process has it, and the server's own socket stands
/// beside it, at `NAME.behind`. Clients reach this process, which can reach the server.
///
/// Both changes are one exchange of names (`renameat2(2)`): at each moment there is a socket at the name that listens,
/// and no client is turned away. If the process is killed in between, the name is dead until the server's socket is
/// moved back: `mv NAME.behind NAME`.
///
/// A server may remove its name when it ends, or another one may take it. ``restore()`` leaves alone what is neither
/// this process's nor was there before.
///
/// It belongs to the thread that made it. Its end restores the name, if that was not done before.
package final class DisplacedName {
    /// The name.
    package let address: PipeAddress

    /// Where the server can be reached meanwhile.
    package let behind: PipeAddress

    private let directory: Directory
    private let name: String
    private let nameBehind: String
    /// The server's socket.
    private let original: FileIdentity
    /// This process's. It is no other file's for as long as the socket is open.
    private let own: FileIdentity
    private var isRestored = false

    /// What was at the name at the end.
    package enum Restoration: Hashable, Sendable {
        /// The server has its name again.
        case restored
        /// The server had removed the name, or it belongs to another server now. Nothing was left to do.
        case changedMeanwhile
    }

    private init(
        _ address: PipeAddress, _ behind: PipeAddress, _ directory: consuming Directory, original: FileIdentity,
        own: FileIdentity
    ) {
        self.address = address
        self.behind = behind
        self.directory = directory
        name = Self.location(address).name
        nameBehind = Self.location(behind).name
        self.original = original
        self.own = own
    }

    /// The address of a server whose name is displaced.
    ///
    /// - Throws: ``PipeError/invalidAddress(_:)`` if it would be too long.
    package static func addressBehind(_ address: PipeAddress) throws(PipeError) -> PipeAddress {
        try .path("\(address.text).behind")
    }

    /// Takes the place of a server. The new socket has the permissions, the owner and the group of the server's.
    ///
    /// - Parameter address: a socket file.
    /// - Returns: the name, and the socket, which listens; from it a server can be made.
    /// - Throws: ``PipeError/unusableLocation(path:_:)``, such as ``UnusableLocation/notASocket``;
    ///   ``PipeError/addressInUse(_:holder:)`` with ``addressBehind(_:)`` if there is such a file already;
    ///   ``PipeError/invalidAddress(_:)``; ``PipeError/system(_:)``, with `EINVAL` if the file system cannot exchange
    ///   names. Nothing has changed then.
    package static func displace(
        _ address: PipeAddress
    ) throws(PipeError) -> (name: DisplacedName, listener: InheritedListener) {
        let behind = try addressBehind(address)
        let (path, name) = location(address)
        let temporary = location(behind).name
        let directory = try Directory.open(path)
        guard let found = try directory.naming(name, { () throws(SystemError) in try directory.status(of: name) })
        else { throw .noServer(address) }
        switch found.kind {
        case .socket: break
        case .symbolicLink: throw .unusableLocation(path: address.text, .symbolicLink)
        case .directory, .regular, .fifo, .other: throw .unusableLocation(path: address.text, .notASocket)
        }
        let socket: OwnedDescriptor
        do { socket = try NamingSocket.make() } catch { throw .system(error) }
        try bind(socket, temporary, behind, in: directory)
        let own = try furnish(socket, temporary, like: found, in: directory)
        let original = try exchange(temporary, name, in: directory)
        // From here on, the end of the value restores the name.
        let displaced = DisplacedName(address, behind, directory, original: original, own: own)
        return (displaced, try InheritedListener.taking(socket))
    }

    /// Takes the name.
    ///
    /// - Returns: what had it, which is the server's socket unless another one has taken the name since.
    private static func exchange(
        _ temporary: String, _ name: String, in directory: borrowing Directory
    ) throws(PipeError) -> FileIdentity {
        do {
            try directory.exchange(temporary, name)
            return try FileStatus(of: temporary, in: directory.descriptor.rawValue).identity
        } catch {
            _ = try? directory.remove(temporary)
            throw .atLocation(directory.path(of: name), error)
        }
    }

    /// Whether clients still reach this process, and it the server.
    package var isInPlace: Bool { identity(of: name) == own && identity(of: nameBehind) == original }

    /// Gives the server its name back. Calling it again does nothing.
    ///
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` or ``PipeError/system(_:)``: the names could not be changed.
    @discardableResult
    package func restore() throws(PipeError) -> Restoration {
        guard !isRestored else { return .restored }
        if isInPlace {
            try directory.naming(name) { () throws(SystemError) in try directory.exchange(nameBehind, name) }
            isRestored = true
            try remove(nameBehind, ifIt: own)
            return .restored
        }
        isRestored = true
        try remove(name, ifIt: own)
        guard identity(of: nameBehind) == original else { return .changedMeanwhile }
        return try bringBack()
    }

    /// The server is at the other name only, and its own name is free, or another server's.
    private func bringBack() throws(PipeError) -> Restoration {
        guard let socketAddress = directory.address(of: nameBehind) else { return .changedMeanwhile }
        let isAlive = try directory.naming(nameBehind) { () throws(SystemError) in
            try NameProbe.isAlive(socketAddress)
        }
        if isAlive, identity(of: name) == nil {
            try directory.naming(name) { () throws(SystemError) in try directory.link(nameBehind, as: name) }
        } else if isAlive {
            // The file stays: it is the only way to this server.
            return .changedMeanwhile
        }
        try remove(nameBehind, ifIt: original)
        return isAlive ? .restored : .changedMeanwhile
    }

    private func remove(_ name: String, ifIt identity: FileIdentity) throws(PipeError) {
        guard self.identity(of: name) == identity else { return }
        try directory.naming(name) { () throws(SystemError) in try directory.remove(name) }
    }

    /// Nil if there is no such file, or none that can be seen.
    private func identity(of name: String) -> FileIdentity? {
        do { return try directory.status(of: name)?.identity } catch { return nil }
    }

    deinit {
        do { try restore() } catch {
            // There is no caller to tell; who waits for the result calls restore().
        }
    }

    // MARK: - Its socket

    private static func location(_ address: PipeAddress) -> (directory: String, name: String) {
        guard let location = address.fileLocation else { preconditionFailure("\(address) has no file") }
        return location
    }

    private static func bind(
        _ socket: borrowing OwnedDescriptor, _ name: String, _ address: PipeAddress, in directory: borrowing Directory
    ) throws(PipeError) {
        guard let socketAddress = directory.address(of: name) else {
            throw .invalidAddress(.tooLong(byteCount: address.text.utf8.count, limit: PipeAddress.maximumByteCount))
        }
        do {
            // The mode never exceeds the server's before it is set exactly.
            try NamingSocket.limitMode(socket, to: 0)
            try NamingSocket.bind(socket, to: socketAddress)
        } catch let error where error.code == EADDRINUSE {
            throw .addressInUse(address, holder: nil)
        } catch {
            throw .making(in: directory.path, error)
        }
    }

    private static func furnish(
        _ socket: borrowing OwnedDescriptor, _ name: String, like server: FileStatus, in directory: borrowing Directory
    ) throws(PipeError) -> FileIdentity {
        do {
            let status = try FileStatus(of: name, in: directory.descriptor.rawValue)
            if status.owner != server.owner || status.group != server.group {
                try directory.changeOwner(of: name, to: server.owner, group: server.group)
            }
            try directory.changeMode(of: name, to: UInt16(server.mode))
            try NamingSocket.listen(socket, backlog: PipeServer.Configuration().backlog)
            return status.identity
        } catch {
            _ = try? directory.remove(name)
            throw .atLocation(directory.path(of: name), error)
        }
    }
}

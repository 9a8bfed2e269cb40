// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EADDRINUSE
internal import PipeReactor

/// A listening socket and the name at which clients find it; this class alone ends both.
///
/// Its end has two steps, so that a server can stop the arrival of clients and still accept those that are waiting:
///
/// ```swift
/// name.removeName()   // from here on a successor may start
/// // accept until no client waits
/// name.close()
/// ```
///
/// Used from one thread, like everything on a reactor.
final class PublishedName {
    /// The address that was published.
    let address: PipeAddress

    /// Whether the kernel refuses to carry descriptors to the sockets accepted here; always false before Linux 6.16.
    let passesNoRights: Bool

    // In this order: if both end together, the name goes first, while the socket still keeps its inode from reuse.
    private var file: SocketFile?
    private var socket: OwnedDescriptor?

    /// Publishes an address: when this returns, clients can connect.
    ///
    /// - Parameters:
    ///   - address: the name to take.
    ///   - claim: the conditions; most of them are meaningless for an abstract name.
    /// - Throws: ``PipeError/addressInUse(_:holder:)``, ``PipeError/takeOverTimedOut(_:holder:)``,
    ///   ``PipeError/unusableLocation(path:_:)``, ``PipeError/system(_:)``.
    static func publish(_ address: PipeAddress, _ claim: NameClaim) throws(PipeError) -> PublishedName {
        switch address.kind {
        case .file: break
        case .abstract: return try publishAbstract(address, claim)
        // For a pool: a FIFO brings no connections that could be dealt out.
        case .fifo: throw .unusableLocation(path: address.text, .notASocket)
        case .other: throw .invalidAddress(.notAbsolute(path: address.text))
        }
        var file = try SocketFile.claim(address, claim)
        let socket = try makeSocket()
        let passesNoRights = try claim.passesRights ? false : refuseDescriptors(socket)
        try file.place(socket, permissions: claim.permissions, backlog: claim.backlog)
        return PublishedName(address, file, socket, passesNoRights)
    }

    /// A listener whose name belongs to the service manager: the name is never removed.
    ///
    /// - Parameter passesRights: whether peers may send descriptors. The default is false.
    convenience init(_ inherited: InheritedListener, passesRights: Bool = false) throws(PipeError) {
        let socket = try inherited.take()
        let passesNoRights: Bool
        do throws(PipeError) {
            // Whatever an earlier owner of the socket has set.
            if passesRights { DescriptorRefusal.attempt(toRefuse: false, socket.rawValue) }
            passesNoRights = try passesRights ? false : Self.refuseDescriptors(socket)
        } catch {
            inherited.takeBack(socket)
            throw error
        }
        self.init(inherited.address, nil, socket, passesNoRights)
        self.inherited = inherited
    }

    private var inherited: InheritedListener?

    /// Whether other processes may share the listener: this process must not end its queue, and the listener may be
    /// older than this program.
    var isInherited: Bool { inherited != nil }

    /// Called if no server was made. An inherited socket returns to where it came from, and can be used again.
    func giveBack() {
        if let inherited, let socket = socket.take() { inherited.takeBack(socket) }
        close()
    }

    private init(
        _ address: PipeAddress, _ file: consuming SocketFile?, _ socket: consuming OwnedDescriptor,
        _ passesNoRights: Bool
    ) {
        self.address = address
        self.file = file
        self.socket = consume socket
        self.passesNoRights = passesNoRights
    }

    /// The listening descriptor, non-blocking; nil after ``close()``. Never close it elsewhere.
    var listener: Int32? { socket?.rawValue }

    /// Whether clients still find this socket at its name. False after ``removeName()``, and after another process
    /// removed or replaced the file. An abstract name lives as long as its socket.
    var isInPlace: Bool {
        address.kind == .abstract ? socket != nil : file?.isInPlace ?? false
    }

    /// Whether there is a file of ours to watch.
    var hasFile: Bool { file != nil }

    /// The result of a check of the name; nil if it has no file, so that it cannot be lost.
    var look: NameStateMachine.Look? { file?.look }

    /// The process that has the right to the name, for diagnosis.
    var holder: Int32? { file?.holder }

    /// Lets the candidate take the right to the name; the name stays in place until the candidate replaces it.
    func giveLockUp() { file?.giveLockUp() }

    /// Takes the lock back from a candidate that is gone; false while another process has it.
    func takeLockBack() -> Bool { file?.takeLockBack() ?? false }

    /// Makes the lock's file again after its removal; false while that is not possible.
    func putLockBack() -> Bool { file?.putLockBack() ?? false }

    /// Protects the files from programs that remove old ones.
    func refresh() { file?.refresh(at: .now, WallClock.seconds) }

    /// Watches for changes that mean that the name is lost or wanted.
    func watch(with watcher: FileWatcher, changed: @escaping () -> Void) throws(SystemError) -> [FileWatch] {
        try file?.watch(with: watcher, changed: changed) ?? []
    }

    /// Removes the name if it is still ours, and gives up the right to it: a successor may start at once. Waiting
    /// clients can still be accepted. Does nothing the second time, and nothing for an abstract name, which lasts until
    /// ``close()``.
    func removeName() {
        file = nil
    }

    /// Closes the listener, after removing the name. Clients still waiting see their connection reset.
    func close() {
        removeName()
        socket = nil
    }

    /// As ``close()``, on another thread: the clients still waiting may have sent descriptors that take long to close.
    func closeElsewhere() {
        removeName()
        if let socket = socket.take() { DescriptorDisposal.shared.close(socket: socket.release()) }
    }

    deinit { close() }
}

extension PublishedName {
    private static func makeSocket() throws(PipeError) -> OwnedDescriptor {
        do { return try NamingSocket.make() } catch { throw .system(error) }
    }

    private static func refuseDescriptors(_ socket: borrowing OwnedDescriptor) throws(PipeError) -> Bool {
        do { return try NamingSocket.refuseDescriptors(socket) } catch { throw .system(error) }
    }

    private static func publishAbstract(_ address: PipeAddress, _ claim: NameClaim) throws(PipeError) -> PublishedName {
        let socket = try makeSocket()
        let passesNoRights = try claim.passesRights ? false : refuseDescriptors(socket)
        let socketAddress = SocketAddress(address)
        do {
            try NamingSocket.bind(socket, to: socketAddress)
            try NamingSocket.listen(socket, backlog: claim.backlog)
            return PublishedName(address, nil, socket, passesNoRights)
        } catch let error where error.code == EADDRINUSE {
            throw .addressInUse(address, holder: NameProbe.listener(at: socketAddress))
        } catch {
            throw .system(error)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor
internal import Synchronization

/// A listening socket that a service manager made before this program was started (socket activation,
/// `systemd.socket(5)`).
///
/// The manager keeps the socket while the program is restarted, so that no client is ever refused. The socket's name
/// and the users who may connect are the manager's decision: this library changes neither, and never removes the name.
///
/// ```swift
/// let server = if let listener = try InheritedListener.first() {
///     try PipeServer(inheriting: listener, reactor: reactor, delegate: delegate)
/// } else {
///     try PipeServer(listeningOn: address, reactor: reactor, delegate: delegate)
/// }
/// ```
public final class InheritedListener: Sendable {
    /// The name that the manager gave it (`FileDescriptorName=`, `LISTEN_FDNAMES`); `unknown` if there is none.
    public let name: String

    /// The address that clients connect to, for logs and people: the published name if it can be found, otherwise the
    /// one to which the socket was bound. (A listener made by a server of this library was bound to a temporary name.)
    /// A name that no address can express, because it is relative or not UTF-8, is of kind ``PipeAddress/Kind/other``;
    /// the socket is served all the same.
    public let address: PipeAddress

    private let descriptor: Mutex<OwnedDescriptor?>

    /// All sockets that were handed to this process (`sd_listen_fds(3)`), checked: each is a Unix stream socket that
    /// listens and has a name. They become non-blocking and are closed on exec.
    ///
    /// Call it at the beginning, before there are other threads: the first call of this or ``named(_:)`` removes
    /// `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES` from the environment, so that child processes do not take the
    /// sockets for theirs (`unsetenv(3)`). Each listener is handed out once, so a later call returns those that
    /// ``named(_:)`` has left. A listener from which no server is made is closed when it is released.
    ///
    /// - Returns: the listeners in the manager's order; none if this process was not started with sockets.
    /// - Throws: ``PipeError/inheritedListener(_:)``. If it throws, the descriptors stay open, and are closed on exec.
    public static func all() throws(PipeError) -> [InheritedListener] {
        try receive()
        return waiting.giveOut { _ in true }
    }

    /// Those of ``all()`` that have a certain name. The others stay open for a later call: their clients wait in the
    /// queue.
    ///
    /// ```swift
    /// let control = try InheritedListener.named("control")
    /// let data = try InheritedListener.named("data")
    /// ```
    ///
    /// - Parameter name: as in the unit's `FileDescriptorName=`; by default, that is the name of the socket unit.
    /// - Returns: the listeners of that name in the manager's order, each in one call only.
    /// - Throws: ``PipeError/inheritedListener(_:)``, even for a problem with a listener of another name.
    public static func named(_ name: String) throws(PipeError) -> [InheritedListener] {
        try receive()
        return waiting.giveOut { $0.name == name }
    }

    /// The first of ``all()``, or of those that have a certain name. The others stay open for a later call.
    ///
    /// - Parameter name: as for ``named(_:)``. The default is nil: any.
    /// - Returns: the listener; nil if there is none (left).
    /// - Throws: ``PipeError/inheritedListener(_:)``, even for a problem with another listener.
    public static func first(named name: String? = nil) throws(PipeError) -> InheritedListener? {
        try receive()
        return waiting.giveOutFirst { name == nil || $0.name == name }
    }

    /// Listeners that the manager handed over and that no call has asked for yet.
    private static let waiting = WaitingListeners()

    /// Takes over the descriptors that the environment announces: all of them, in the first call.
    private static func receive() throws(PipeError) {
        let environment = ListenEnvironment(
            pid: EnvironmentVariable.take("LISTEN_PID"), fds: EnvironmentVariable.take("LISTEN_FDS"),
            names: EnvironmentVariable.take("LISTEN_FDNAMES"))
        let sockets: [ListenEnvironment.Socket]
        do { sockets = try environment.sockets(for: CurrentProcess.processID) } catch {
            throw .inheritedListener(.environment(error))
        }
        waiting.add(try listeners(at: sockets))
    }

    /// Takes over a socket that listens already, wherever it came from, so that a server can be made of it that leaves
    /// its name alone.
    ///
    /// - Parameter socket: a Unix stream socket; it is closed on exec.
    /// - Throws: ``PipeError/inheritedListener(_:)``, or ``PipeError/system(_:)``. The socket is closed then.
    package static func taking(_ socket: consuming OwnedDescriptor) throws(PipeError) -> InheritedListener {
        let listener = try listeners(
            at: [ListenEnvironment.Socket(descriptor: socket.rawValue, name: "unknown")])[0]
        _ = socket.release()
        return listener
    }

    /// Takes over descriptors that have no other user.
    static func listeners(at sockets: [ListenEnvironment.Socket]) throws(PipeError) -> [InheritedListener] {
        // All of them first: even if one cannot be served, no child process may inherit the others.
        for socket in sockets {
            guard InheritedSocket.closeOnExec(socket.descriptor) else {
                throw .inheritedListener(.notOpen(descriptor: socket.descriptor))
            }
        }
        var addresses: [PipeAddress] = []
        for socket in sockets {
            try check(socket.descriptor)
            addresses.append(try address(of: socket.descriptor))
        }
        return zip(sockets, addresses).map { InheritedListener($0, $1) }
    }

    private static func address(of descriptor: Int32) throws(PipeError) -> PipeAddress {
        do {
            if let name = try Socket.localName(descriptor) {
                return ListenerName(bound: name, inode: Socket.boundInode(descriptor)).address
            }
        } catch {
            throw .system(error)
        }
        throw .inheritedListener(.unusableName(descriptor: descriptor))
    }

    private init(_ socket: ListenEnvironment.Socket, _ address: PipeAddress) {
        name = socket.name
        self.address = address
        // The waiting clients may have sent descriptors, and end with the socket if no other process shares it.
        descriptor = Mutex(OwnedDescriptor(taking: socket.descriptor, mayHoldDescriptors: true))
    }

    /// Lends the socket to a server, for good if the server is made.
    func take() throws(PipeError) -> OwnedDescriptor {
        guard let taken = descriptor.withLock({ $0.take() }) else {
            throw .inheritedListener(.alreadyServed(name: name))
        }
        return taken
    }

    /// The server was not made: the listener can be used again.
    func takeBack(_ socket: consuming OwnedDescriptor) {
        var returned: OwnedDescriptor? = consume socket
        descriptor.withLock { $0 = returned.take() }
    }

    private static func check(_ descriptor: Int32) throws(PipeError) {
        let problem: InvalidInheritedListener?
        do { problem = try Self.problem(of: descriptor) } catch { throw .system(error) }
        if let problem { throw .inheritedListener(problem) }
    }

    /// The reason why the descriptor cannot be served, or nil; in the latter case it is non-blocking afterwards.
    private static func problem(of descriptor: Int32) throws(SystemError) -> InvalidInheritedListener? {
        // Checked first, because the following calls work on sockets alone.
        guard try FileStatus(of: descriptor).kind == .socket, try InheritedSocket.isLocalStream(descriptor) else {
            return .notALocalStream(descriptor: descriptor)
        }
        guard try InheritedSocket.isListening(descriptor) else { return .notListening(descriptor: descriptor) }
        try InheritedSocket.stopBlocking(descriptor)
        return nil
    }
}

/// The process's listeners that are not handed out yet.
final class WaitingListeners: Sendable {
    private let listeners = Mutex<[InheritedListener]>([])

    func add(_ more: [InheritedListener]) { listeners.withLock { $0 += more } }

    func giveOutFirst(where isWanted: (InheritedListener) -> Bool) -> InheritedListener? {
        listeners.withLock { waiting in waiting.firstIndex(where: isWanted).map { waiting.remove(at: $0) } }
    }

    func giveOut(where isWanted: (InheritedListener) -> Bool) -> [InheritedListener] {
        listeners.withLock { waiting in
            let wanted = waiting.filter(isWanted)
            waiting.removeAll(where: isWanted)
            return wanted
        }
    }
}

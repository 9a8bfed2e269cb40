// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor
internal import Synchronization

/// A listening socket that a service manager made before this program was started (socket activation,
/// `systemd.socket(5)`).
///
/// The manager keeps the socket while the program is restarted, so that no client is ever refused. Its name, and who
/// may connect, are the manager's: neither is changed here, and the name is never removed.
///
/// ```swift
/// let server = if let listener = try InheritedListener.first() {
///     try PipeServer(inheriting: listener, reactor: reactor, delegate: delegate)
/// } else {
///     try PipeServer(listeningOn: address, reactor: reactor, delegate: delegate)
/// }
/// ```
public final class InheritedListener: Sendable {
    /// The name it was given (`FileDescriptorName=`, `LISTEN_FDNAMES`), `unknown` where there is none.
    public let name: String

    /// The address that clients connect to, for logs and people: the published name where it can be found, otherwise
    /// what the socket was bound to. A listener made by a server of this library was bound to a temporary name. One
    /// that no address can express, because it is relative or not UTF-8, is of kind ``PipeAddress/Kind/other``; it is
    /// served all the same.
    public let address: PipeAddress

    private let descriptor: Mutex<OwnedDescriptor?>

    /// All sockets that were handed to this process (`sd_listen_fds(3)`), checked: each is a Unix stream socket that
    /// listens and has a name. They become non-blocking and are closed on exec.
    ///
    /// Call it at the beginning, before there are other threads: the first call of this or ``named(_:)`` removes
    /// `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES` from the environment, so that children do not take them for
    /// theirs (`unsetenv(3)`). Each listener is given out once, so a later call finds those that ``named(_:)`` has
    /// left. A listener from which no server is made is closed when it is released.
    ///
    /// - Returns: the listeners in the manager's order; none if this process was not started so.
    /// - Throws: ``PipeError/inheritedListener(_:)``. The descriptors stay open then, closed on exec.
    public static func all() throws(PipeError) -> [InheritedListener] {
        try receive()
        return waiting.giveOut { _ in true }
    }

    /// Those of ``all()`` that have a name. The others stay open, for a later call: their clients wait in the queue.
    ///
    /// ```swift
    /// let control = try InheritedListener.named("control")
    /// let data = try InheritedListener.named("data")
    /// ```
    ///
    /// - Parameter name: as in the unit's `FileDescriptorName=`; by default, that is the name of the socket unit.
    /// - Returns: the listeners of that name in the manager's order, each in one call only.
    /// - Throws: ``PipeError/inheritedListener(_:)``, also about those of another name.
    public static func named(_ name: String) throws(PipeError) -> [InheritedListener] {
        try receive()
        return waiting.giveOut { $0.name == name }
    }

    /// The first of ``all()``, or of those that have a name. The others stay open, for a later call.
    ///
    /// - Parameter name: as for ``named(_:)``. The default is nil: any.
    /// - Returns: the listener; nil if there is none (left).
    /// - Throws: ``PipeError/inheritedListener(_:)``, also about the others.
    public static func first(named name: String? = nil) throws(PipeError) -> InheritedListener? {
        try receive()
        return waiting.giveOutFirst { name == nil || $0.name == name }
    }

    /// Listeners that the manager handed over and no call has asked for yet.
    private static let waiting = WaitingListeners()

    /// Takes over what the environment tells of: with the first call, all that there is.
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

    /// Takes over descriptors that have no other use.
    static func listeners(at sockets: [ListenEnvironment.Socket]) throws(PipeError) -> [InheritedListener] {
        // All of them first: whatever is wrong with one, no child may get another.
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
        // The clients in its queue may have sent descriptors, and go with the socket if no other process shares it.
        descriptor = Mutex(OwnedDescriptor(taking: socket.descriptor, mayHoldDescriptors: true))
    }

    /// Lends the socket to a server, for good if the server comes about.
    func take() throws(PipeError) -> OwnedDescriptor {
        guard let taken = descriptor.withLock({ $0.take() }) else {
            throw .inheritedListener(.alreadyServed(name: name))
        }
        return taken
    }

    /// The server did not come about: the listener can be tried again.
    func takeBack(_ socket: consuming OwnedDescriptor) {
        var returned: OwnedDescriptor? = consume socket
        descriptor.withLock { $0 = returned.take() }
    }

    private static func check(_ descriptor: Int32) throws(PipeError) {
        let problem: InvalidInheritedListener?
        do { problem = try Self.problem(of: descriptor) } catch { throw .system(error) }
        if let problem { throw .inheritedListener(problem) }
    }

    /// Nil if it can be served; then it does not block any more.
    private static func problem(of descriptor: Int32) throws(SystemError) -> InvalidInheritedListener? {
        // First, because the questions that follow are for sockets alone.
        guard try FileStatus(of: descriptor).kind == .socket, try InheritedSocket.isLocalStream(descriptor) else {
            return .notALocalStream(descriptor: descriptor)
        }
        guard try InheritedSocket.isListening(descriptor) else { return .notListening(descriptor: descriptor) }
        try InheritedSocket.stopBlocking(descriptor)
        return nil
    }
}

/// The listeners of the process that are not given out yet.
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

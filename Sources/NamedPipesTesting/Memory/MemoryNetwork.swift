// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Servers and clients that are connected through memory, on one reactor, in virtual time: no socket, no file, no
/// waiting, and the same result each time.
///
/// The servers, clients and connections are the real ones. Only the kernel's part is simulated.
///
/// ```swift
/// let network = try MemoryNetwork()
/// let server = try network.makeServer(at: "echo", delegate: Echo())
/// let recorder = RecordingDelegate()
/// let client = try network.makeClient(to: "echo", delegate: recorder)
/// client.connect()
/// network.settle()
/// try client.send("hello")
/// network.settle()
/// #expect(recorder.texts == ["hello"])
/// ```
///
/// It belongs to the thread that makes it, and ends its servers and clients when it is released.
public final class MemoryNetwork {
    /// The loop of the network. Other objects may use it, too.
    public let reactor: Reactor

    /// The clock of its timers.
    public let clock: VirtualClock

    /// The faults of connections that are made from now on.
    public var faults: TransportFaults

    private let seed: UInt64
    private var connectionCount: UInt64 = 0
    private var servers: [PipeAddress: Weak<PipeServer>] = [:]

    /// The scripts that take the part of a server.
    var scripts: [PipeAddress: Weak<ScriptedPeer>] = [:]

    /// The last error of an `async` handler, by the address that it serves.
    var handlerErrors: [PipeAddress: String] = [:]

    /// The peers that accept connections without a server: plain ends.
    var listeners: [PipeAddress: (MemoryEnd) -> Void] = [:]

    struct Weak<Object: AnyObject> {
        weak var object: Object?
    }

    /// Creates a network with its own reactor.
    ///
    /// - Parameters:
    ///   - seed: the seed of everything that is random. The default is 0.
    ///   - faults: the faults of connections. The default is none.
    /// - Throws: `SystemError` if no reactor can be made.
    public init(seed: UInt64 = 0, faults: TransportFaults = .none) throws(SystemError) {
        reactor = try Reactor(in: VirtualTime())
        clock = VirtualClock(reactor)
        self.seed = seed
        self.faults = faults
    }

    /// A network whose reactor measures its callbacks.
    init(measuringWithSeed seed: UInt64, faults: TransportFaults) throws(SystemError) {
        var configuration = Reactor.Configuration()
        configuration.measuresCallbacks = true
        reactor = try Reactor(configuration, in: VirtualTime())
        clock = VirtualClock(reactor)
        self.seed = seed
        self.faults = faults
    }

    deinit { end() }

    // MARK: Servers and clients

    /// Makes a server. Clients of this network find it at its name.
    ///
    /// The settings for sockets and files have no meaning here: permissions, backlog, taking over, send buffers.
    ///
    /// - Parameters:
    ///   - name: the name for clients of this network.
    ///   - configuration: the default is a server's default.
    ///   - delegate: receives all callbacks.
    /// - Throws: `PipeError.invalidAddress` for a name that is empty or too long, `PipeError.addressInUse` for one that
    ///   is taken.
    @discardableResult
    public func makeServer(
        at name: String, configuration: PipeServer.Configuration = PipeServer.Configuration(),
        delegate: any PipeServerDelegate
    ) throws(PipeError) -> PipeServer {
        let address = try PipeAddress.abstract(name)
        if server(at: address) != nil { throw .addressInUse(address, holder: getpid()) }
        let server = PipeServer(
            adoptingFor: address, configuration: configuration, reactor: reactor, delegate: delegate)
        servers[address] = Weak(object: server)
        return server
    }

    /// Makes a pool of servers whose workers share the network's reactor: each has a delegate of its own, and clients
    /// are dealt to them as in a pool with threads, but everything happens on this thread and in virtual time.
    ///
    /// - Parameters:
    ///   - name: the name for clients of this network.
    ///   - workers: the number of workers.
    ///   - configuration: the default is a server's default; see ``makeServer(at:configuration:delegate:)``.
    ///   - dealing: how clients are dealt to the workers. The default is to the one with the fewest connections.
    ///   - onEvent: receives the events of the name, and all refusals.
    ///   - delegate: makes the delegate of one worker.
    /// - Throws: as ``makeServer(at:configuration:delegate:)``.
    @discardableResult
    public func makePool(
        at name: String, workers: ReactorCount, configuration: PipeServer.Configuration = PipeServer.Configuration(),
        dealing: Dealing = .fewestConnections,
        onEvent: @escaping @Sendable (PipeServerPool, PipeServerPool.Event) -> Void = { _, _ in },
        delegate: (PipeServer) -> any PipeServerDelegate
    ) throws(PipeError) -> PipeServerPool {
        let address = try PipeAddress.abstract(name)
        if server(at: address) != nil { throw .addressInUse(address, holder: getpid()) }
        let pool = PipeServerPool(
            adoptingFor: address, workerCount: workers.value, configuration: configuration, dealing: dealing,
            on: reactor, onEvent: onEvent, delegate: delegate)
        servers[address] = Weak(object: pool.nameServer(on: reactor))
        return pool
    }

    /// Makes a client that connects in this network, once it is told to.
    ///
    /// - Parameters:
    ///   - name: the name of the server, which may appear later: a client may wait for it.
    ///   - configuration: the default is a client's default.
    ///   - delegate: receives all callbacks.
    /// - Returns: the client, which the caller has to retain: the reactor retains it only while it is connected or
    ///   trying.
    /// - Throws: `PipeError.invalidAddress` for a name that is empty or too long.
    public func makeClient(
        to name: String, configuration: PipeClient.Configuration = PipeClient.Configuration(),
        delegate: any PipeClientDelegate
    ) throws(PipeError) -> PipeClient {
        let address = try PipeAddress.abstract(name)
        let framing = configuration.connection.framing
        let client = PipeClient(address: address, configuration: configuration, reactor: reactor, delegate: delegate)
        client.dial = { [weak self] address throws(SystemError) in
            guard let self else { throw SystemError(call: "connect", code: ECONNREFUSED) }
            scripts[address]?.object?.otherFraming = framing
            return .connected(try dial(address), Self.ownCredentials)
        }
        return client
    }

    // MARK: Going on

    /// Runs the loop until nothing is left to do at this moment. Time does not pass.
    ///
    /// - Returns: false if the loop never came to rest, because two parties keep each other busy for ever, or the
    ///   reactor was stopped.
    @discardableResult
    public func settle() -> Bool { clock.advance(by: .zero) }

    /// Stops the reactor and with it everything on it, each with its last callback. May be called repeatedly.
    public func end() {
        guard !reactor.isStopped else { return }
        reactor.stop()
        reactor.run()
    }
}

extension MemoryNetwork {
    /// Connects to a server, and returns the other end.
    ///
    /// - Throws: `ECONNREFUSED` if there is none.
    func dial(_ address: PipeAddress) throws(SystemError) -> MemoryEnd {
        if let listener = listeners[address] {
            let (near, far) = makeEnds()
            listener(far)
            return near
        }
        guard let server = server(at: address) else { throw SystemError(call: "connect", code: ECONNREFUSED) }
        let (near, far) = makeEnds()
        // As a listener's event: in the loop, and not inside the call that connects.
        reactor.runAtEndOfTurn(Arrival(server, far, Self.ownCredentials))
        return near
    }

    private func makeEnds() -> (MemoryEnd, MemoryEnd) {
        connectionCount += 1
        let link = MemoryLink(reactor, faults, seed: seed &+ connectionCount &* 0x1000_0001)
        return (link.ends[0], link.ends[1])
    }

    private func server(at address: PipeAddress) -> PipeServer? {
        guard let server = servers[address]?.object, server.isListening else { return nil }
        return server
    }

    /// The framing of the server at an address; nil if there is none, or it is a script.
    func framing(at address: PipeAddress) -> (any MessageFraming)? {
        scripts[address]?.object == nil ? server(at: address)?.framing : nil
    }

    /// Says that there is no server at an address, and which there are; nil if there is one.
    func missingServer(at address: PipeAddress) -> String? {
        guard server(at: address) == nil, listeners[address] == nil else { return nil }
        let names = (Array(servers.keys.filter { server(at: $0) != nil }) + listeners.keys).map(Self.name(of:))
        let present = names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
        return "there is no server named \(Self.name(of: address)) in this network; there is \(present)"
    }

    private static func name(of address: PipeAddress) -> String { "\(address)".dropFirst().debugDescription }

    static var ownCredentials: PeerCredentials {
        PeerCredentials(userID: geteuid(), groupID: getegid(), processID: getpid())
    }
}

/// A client that waits to be accepted.
private final class Arrival: TurnWork {
    private let server: PipeServer
    private let end: MemoryEnd
    private let peer: PeerCredentials

    init(_ server: PipeServer, _ end: MemoryEnd, _ peer: PeerCredentials) {
        self.server = server
        self.end = end
        self.peer = peer
    }

    func runInTurn() {
        // A stopping server reads nothing from clients that wait in its queue.
        if server.isListening { server.admit(end, from: peer) } else { end.close() }
    }
}

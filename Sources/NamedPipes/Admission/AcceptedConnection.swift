// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A connected socket, or two descriptors, and the peer at the other end, which no server serves yet.
///
/// A listener makes one of each client. An embedder makes one of a descriptor that it has from elsewhere, and gives it
/// to any server on any reactor with ``PipeServer/adopt(_:)`` or, from another thread, with
/// `server.reference.adopt(_:)`:
///
/// ```swift
/// // One end of socketpair(2) is ours; the worker inherits the other.
/// let connection = try AcceptedConnection(adopting: ends[0])
/// server.adopt(connection)
/// ```
///
/// The value owns its descriptors. Where it goes out of scope without having been adopted, they are closed, and the
/// peer reads the end of the stream.
public struct AcceptedConnection: ~Copyable, Sendable {
    /// The credentials of the peer (`SO_PEERCRED`, unix(7)); ``PeerCredentials/unknown`` if the descriptor that is read
    /// is no Unix socket.
    ///
    /// Both ends of a `socketpair(2)` name the process that made the pair, whichever process holds them now.
    public let peer: PeerCredentials

    /// The bytes that were read from the socket before, and that no server has delivered. Most connections have none.
    public let unreadBytes: [UInt8]

    private let carrier: Carrier

    /// Takes over a descriptor that is one end of a Unix stream connection: from `socketpair(2)`, from a process that
    /// passed it on, or inherited at the start.
    ///
    /// The socket becomes non-blocking and is closed on exec. `O_NONBLOCK` belongs to the open file description
    /// (open(2)), so that every other process that shares the description sees it as well. From now on, no other code
    /// may use or close the number.
    ///
    /// - Parameters:
    ///   - descriptor: the number of an open descriptor, which nothing else owns.
    ///   - unreadBytes: what was read from it before and has to be delivered first, such as
    ///     ``DetachedConnection/unreadBytes`` of another process. They count as held bytes: if a budget has no room for
    ///     them, the connection ends with ``DisconnectReason/budgetExceeded(_:)``. The default is none.
    /// - Throws: ``PipeError/unusableConnection(_:)`` or ``PipeError/system(_:)``. If it throws, the descriptor stays
    ///   open and the caller's, and its flags are unchanged.
    public init(adopting descriptor: Int32, unreadBytes: [UInt8] = []) throws(PipeError) {
        self.unreadBytes = unreadBytes
        peer = try Self.prepare(descriptor)
        // Bytes with descriptors may lie in the socket already, whatever its options are from now on.
        carrier = .socket(
            OwnedDescriptor(
                taking: descriptor, mayHoldDescriptors: DescriptorRefusal.Guarded.thoseThatPass.includes(descriptor)))
    }

    /// Checks a descriptor, and changes its flags once nothing can fail any more.
    private static func prepare(_ descriptor: Int32) throws(PipeError) -> PeerCredentials {
        let problem: UnusableConnection?
        do { problem = try Self.problem(of: descriptor) } catch { throw .system(error) }
        if let problem { throw .unusableConnection(problem) }
        do {
            let peer = try Socket.peer(descriptor)
            try InheritedSocket.stopBlocking(descriptor)
            _ = InheritedSocket.closeOnExec(descriptor)
            return peer
        } catch {
            throw .system(error)
        }
    }

    private static func problem(of descriptor: Int32) throws(SystemError) -> UnusableConnection? {
        // First, because a call on a number that is not open is otherwise a bug, which ends the process.
        guard InheritedSocket.isOpen(descriptor) else { return .notOpen(descriptor: descriptor) }
        guard try FileStatus(of: descriptor).kind == .socket, try InheritedSocket.isLocalStream(descriptor) else {
            return .notALocalStream(descriptor: descriptor)
        }
        return try InheritedSocket.isConnected(descriptor) ? nil : .notConnected(descriptor: descriptor)
    }

    /// A client that a listener accepted. If this throws, the socket is closed.
    init(_ socket: consuming OwnedDescriptor) throws(SystemError) {
        peer = try Socket.peer(socket.rawValue)
        unreadBytes = []
        carrier = .socket(socket)
    }

    init(_ peer: PeerCredentials, _ unreadBytes: [UInt8], _ socket: consuming OwnedDescriptor) {
        self.peer = peer
        self.unreadBytes = unreadBytes
        carrier = .socket(socket)
    }

    /// Two descriptors.
    init(_ descriptors: consuming TwoDescriptors, from peer: PeerCredentials) {
        self.peer = peer
        unreadBytes = []
        carrier = .pair(descriptors)
    }

    /// The Unix socket whose peer the kernel can be asked about, if there is one.
    var namedSocket: Int32? { peer.isKnown ? carrier.input : nil }

    /// `SO_SNDBUF`, if it is one socket: two descriptors may be shared, and stay as they are.
    func setSendBuffer(_ byteCount: Int?) throws(SystemError) {
        if carrier.isSocket { try Socket.setSendBuffer(carrier.input, byteCount) }
    }

    /// The stream, for the connection that serves it.
    consuming func makeStream() -> ByteStream { carrier.makeStream(peer) }
}

/// The descriptors of a connection that no server serves yet.
private enum Carrier: ~Copyable {
    case socket(OwnedDescriptor)
    case pair(TwoDescriptors)

    var isSocket: Bool {
        switch self {
        case .socket: true
        case .pair: false
        }
    }

    /// The descriptor that is read.
    var input: Int32 {
        switch self {
        case .socket(let socket): socket.rawValue
        case .pair(let pair): pair.input.number
        }
    }

    consuming func makeStream(_ peer: PeerCredentials) -> ByteStream {
        switch consume self {
        case .socket(let socket): ByteStream(socket, peer)
        case .pair(let pair): ByteStream(DescriptorPair(pair, namesPeer: peer.isKnown), peer)
        }
    }
}

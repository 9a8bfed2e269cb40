// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// One end of a pipe that is or was connected: whole messages go out with ``send(_:)-(Span<UInt8>)`` and come in at the
/// delegate.
///
/// Servers and clients make connections and hand them to their delegate; see ``PipeConnectionDelegate`` for what
/// arrives there and when. A connection belongs to its reactor's thread. Other threads hold its ``sender``.
///
/// None of its methods calls the delegate: whatever they cause is reported later, from the loop. So callbacks never
/// nest, and every method may be called inside every callback, of this connection or another.
public final class PipeConnection: Identifiable {
    // Not checked for overlapping accesses: no call of the stream comes back to the connection, and a check would cost
    // 170 instructions.
    @safe @exclusivity(unchecked) var stream: ByteStream

    // Here because six bytes are free behind the stream: two and four of them.
    @safe @exclusivity(unchecked) var lifecycle = ConnectionLifecycle() {
        didSet { if !lifecycle.canSend { stopPrepaying() } }
    }
    @safe @exclusivity(unchecked) var state: ConnectionState

    /// The embedder's own state of this connection, nil at first. Held until `didCloseWith` has returned.
    public var context: AnyObject? {
        get { companion.context }
        set { companion.context = newValue }
    }

    // Unchecked: reading and writing it call nothing while they do.
    @safe @exclusivity(unchecked) var companion = ConnectionCompanion.none

    // What all connections of the owner share.
    let endpoint: Endpoint

    private(set) var key: UInt64 = 0

    // What the connection is in the middle of. An idle one owns none of these.
    var queue: SendQueueSlot?
    var reassembly: ReassemblyBuffer?
    private var ownExtras: RareConnectionState?

    // In ticks of DeadlineSweep. Unchecked, because the second is written for each event.
    private(set) var openedTick: UInt32 = 0
    @safe @exclusivity(unchecked) private(set) var activeTick: UInt32 = 0

    /// Takes over a connected stream. ``start()`` or ``begin()`` has to follow.
    init(_ endpoint: Endpoint, _ stream: consuming ByteStream) {
        self.endpoint = endpoint
        state = ConnectionState(isDirect: stream.isDirect)
        self.stream = stream
        self.stream.attach(to: self, endpoint.reactor)
        // The reactor's registry holds the connection for as long as it is registered.
        key = endpoint.reactor.registry.insert(self)
        endpoint.connections.insert(key)
        openedTick = endpoint.tick
        noteActivity()
        if endpoint.deadlines.watchesEveryone { endpoint.watchDeadlines() }
    }

    /// Nobody finds it any more, and the reactor lets go of it at the end of the turn.
    func leaveHost() {
        endpoint.connections.remove(key)
        endpoint.reactor.registry.remove(key)
    }

    /// Something came in or went out.
    @inline(__always)
    func noteActivity() { activeTick = endpoint.tick }

    /// Registers with epoll.
    func start() throws(SystemError) {
        do {
            try stream.watchInput()
            interest.watchInput()
        } catch {
            leaveHost()
            _ = lifecycle.end()
            throw error
        }
    }

    /// The first callback. What has arrived already is left to the loop.
    func didOpen() { endpoint.delegate?.connectionDidOpen(self) }

    /// The whole of an accepted connection's first turn, instead of ``start()``: the first callback, a look at what has
    /// arrived already, and only then epoll. A client mostly has sent its first message by the time it is accepted:
    /// with that served at once, a connection that lives for one message is one event and one wait shorter.
    func begin() {
        turn.begin()
        interest.expectInput()
        didOpen()
        work()
    }

    // MARK: What it is

    /// The credentials of the other end when the connection was made.
    public var peer: PeerCredentials { stream.peer }

    /// Names this connection for as long as the reactor lives: never used again for a later one.
    public var id: ID { ID(rawValue: key) }

    /// Whether ``send(_:)-(Span<UInt8>)`` may be called: neither closed here nor found broken. A peer that merely
    /// finished sending still takes messages.
    public var isOpen: Bool { lifecycle.canSend }

    /// Whether ``finishSending()`` was called.
    public var hasFinishedSending: Bool { lifecycle.output == .finishing || lifecycle.output == .finished }

    /// How many bytes are queued here because the kernel has not taken them yet, headers included.
    public var pendingByteCount: Int { queue?.value.byteCount ?? 0 }

    /// How many messages are queued here, also in part, or were when the output failed.
    var pendingMessageCount: Int {
        guard let queue else { return ownExtras?.unsent.total ?? 0 }
        return queue.value.messageCount
    }

    /// After the end, or after ``PipeConnectionDelegate/connection(_:didFailSendingWith:)``: how many messages were
    /// accepted by `send`, but not one byte of them reached the kernel. They were certainly not delivered. 0 before
    /// that.
    public var unsentMessageCount: Int { ownExtras?.unsent.messageCount ?? 0 }

    /// After the end, or after ``PipeConnectionDelegate/connection(_:didFailSendingWith:)``: whether a message had been
    /// handed to the kernel in part. It was certainly not delivered whole.
    public var hasPartlySentMessage: Bool { ownExtras?.unsent.hasPartlySentMessage ?? false }

    /// How many messages that had been taken were dropped here for later ones, because the peer reads too slowly; see
    /// ``Configuration/slowReaderPolicy``.
    public var displacedMessageCount: Int { ownExtras?.displacedMessageCount ?? 0 }

    /// How many messages were dropped here instead of being taken, because the peer reads too slowly; see
    /// ``Configuration/slowReaderPolicy``.
    public var droppedMessageCount: Int { ownExtras?.droppedMessageCount ?? 0 }

    /// What other threads may hold in order to send here.
    public var sender: PipeSender {
        let shared = rare.sender ?? PipeSender.Shared()
        rare.sender = shared
        return PipeSender(endpoint.reactor.executor, key, shared)
    }

    /// The server that accepted this connection; nil at a client.
    public var server: PipeServer? { unsafe endpoint.owner as? PipeServer }

    /// The client that made this connection; nil at a server.
    public var client: PipeClient? { unsafe endpoint.owner as? PipeClient }

    // MARK: Ending

    /// Sends what is queued, then tells the peer that no more comes (`shutdown(2)` with `SHUT_WR`). Messages still
    /// arrive.
    ///
    /// From now on, `send` throws ``PipeError/notConnected``. A server of this library answers what it got and closes.
    public func finishSending() {
        endpoint.assertOwner()
        guard lifecycle.finishSending() == .flush else { return }
        leaveAllGroups()
        schedule()
    }

    /// Sends what is queued, then closes. Messages that arrive from now on are not delivered.
    ///
    /// `didCloseWith` follows with ``DisconnectReason/closedLocally``, or ``DisconnectReason/closedByPeer`` if the peer
    /// had finished before. A peer that does not take what is queued is given ``Configuration/closeTimeout``.
    public func close() {
        endpoint.assertOwner()
        beginClose(lifecycle.state == .finished ? .closedByPeer : .closedLocally)
    }

    /// Drops what is queued and closes at once. `didCloseWith` follows with ``DisconnectReason/closedLocally``, or with
    /// the reason for which the connection was closing already.
    public func abort() {
        endpoint.assertOwner()
        end(decidedReason ?? .closedLocally)
    }

    /// ``rare``, if there are any.
    var extrasInUse: RareConnectionState? { ownExtras }

    var rare: RareConnectionState {
        if let ownExtras { return ownExtras }
        let made = RareConnectionState()
        ownExtras = made
        return made
    }

    /// Why the connection ends, once that is decided.
    var decidedReason: DisconnectReason? {
        if lifecycle.endsByPeer { return .closedByPeer }
        return ownExtras?.endReason
    }

    deinit {
        queue?.destroy()
    }

    // MARK: Receiving

    /// Stops deliveries, so that the kernel makes the peer wait. Nothing is lost: what has arrived stays.
    ///
    /// While it is paused, the end of the peer is not noticed either.
    public func pauseReceiving() {
        endpoint.assertOwner()
        flow.pause()
    }

    /// Continues deliveries, from the loop, with what had been read before the pause first.
    public func resumeReceiving() {
        endpoint.assertOwner()
        flow.resume()
        turn.want()
        schedule()
    }
}

extension PipeConnection {
    /// A connection's name within its reactor.
    public struct ID: Hashable, Sendable, CustomStringConvertible {
        let rawValue: UInt64

        /// Short and unique, for logs: the slot and how often it has been used, such as `17.1`.
        public var description: String { "\(rawValue & 0xFFFF_FFFF).\(rawValue >> 32)" }
    }
}

extension PipeConnection: CustomStringConvertible {
    /// The name and the peer, for logs.
    public var description: String { "connection \(id) (\(peer))" }
}

@available(*, unavailable, message: "a connection belongs to its reactor's thread; other threads hold its sender")
extension PipeConnection: Sendable {}

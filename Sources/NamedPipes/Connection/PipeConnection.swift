// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// One end of a pipe that is or was connected: it sends whole messages with ``send(_:)-(Span<UInt8>)``, and its
/// delegate receives them.
///
/// Servers and clients make connections and pass them to their delegate; ``PipeConnectionDelegate`` defines its
/// callbacks and their order. A connection belongs to its reactor's thread. Other threads use its ``sender``.
///
/// None of its methods calls the delegate: their consequences are reported later, from the loop. So callbacks never
/// nest, and every method may be called inside every callback, of this connection or another.
public final class PipeConnection: Identifiable {
    // Not checked for overlapping accesses: no call of the stream calls back to the connection, and the check would
    // cost 170 instructions.
    @safe @exclusivity(unchecked) var stream: ByteStream

    // Declared here because six bytes are free behind the stream: two for the lifecycle, four for the state.
    @safe @exclusivity(unchecked) var lifecycle = ConnectionLifecycle() {
        didSet { if !lifecycle.canSend { stopPrepaying() } }
    }
    @safe @exclusivity(unchecked) var state: ConnectionState

    /// The owner's own object for this connection, nil at first. Retained until `didCloseWith` has returned.
    public var context: AnyObject? {
        get { companion.context }
        set { companion.context = newValue }
    }

    // Not checked for overlapping accesses: reading and writing it call no other code.
    @safe @exclusivity(unchecked) var companion = ConnectionCompanion.none

    // The common part of all connections of the owner.
    let endpoint: Endpoint

    private(set) var key: UInt64 = 0

    // The memory of operations in progress. An idle connection owns none of it.
    var queue: SendQueueSlot?
    var reassembly: ReassemblyBuffer?
    private var ownRare: RareConnectionState?

    // In ticks of DeadlineSweep. The second is written at each event, and therefore not checked for overlapping
    // accesses.
    private(set) var openedTick: UInt32 = 0
    @safe @exclusivity(unchecked) private(set) var activeTick: UInt32 = 0

    /// Takes over a connected stream. ``start()`` or ``begin()`` has to follow.
    init(_ endpoint: Endpoint, _ stream: consuming ByteStream) {
        self.endpoint = endpoint
        var stream = stream
        if let descriptors = endpoint.descriptors { stream.apply(descriptors.acceptance) }
        state = ConnectionState(isDirect: stream.isDirect, isCounted: endpoint.configuration.keepsStatistics)
        self.stream = stream
        self.stream.attach(to: self, endpoint.reactor)
        // The reactor's registry holds the connection for as long as it is registered.
        key = endpoint.reactor.registry.insert(self)
        endpoint.connections.insert(key)
        openedTick = endpoint.tick
        noteActivity()
        if state.isCounted { rare.traffic = ConnectionTraffic(at: endpoint.reactor.now) }
        if endpoint.deadlines.watchesEveryone { endpoint.watchDeadlines() }
    }

    /// Removes the connection from its endpoint and from the registry of the reactor, which releases it at the end of
    /// the turn.
    func leaveEndpoint() {
        endpoint.connections.remove(key)
        endpoint.reactor.registry.remove(key)
    }

    /// Notes that something came in or went out.
    @inline(__always)
    func noteActivity() { activeTick = endpoint.tick }

    /// All deadlines count from now on; see ``Endpoint/follow(_:byteShare:)``.
    func beginDeadlinesAnew() {
        openedTick = endpoint.tick
        noteActivity()
        reassembly?.beganTick = endpoint.tick
        queue?.value.tookLastTick = endpoint.tick
    }

    /// Registers with epoll.
    func start() throws(SystemError) {
        do {
            try stream.watchInput()
            interest.watchInput()
        } catch {
            leaveEndpoint()
            _ = lifecycle.end()
            throw error
        }
    }

    /// Makes the first callback. Messages that have arrived already are delivered later, from the loop.
    func didOpen() { endpoint.delegate?.connectionDidOpen(self) }

    /// The whole first turn of an accepted connection, in place of ``start()``: the first callback, what another server
    /// has read of it, a read of what has arrived already, and only then the registration with epoll. Most clients have
    /// sent their first message by the time they are accepted. If it is served at once, a connection that lives for one
    /// message takes one event and one wait less.
    func begin(with unread: [UInt8] = []) {
        turn.begin()
        interest.expectInput()
        didOpen()
        carryUnread(unread)
        work()
    }

    // MARK: What it is

    /// The credentials of the other end when the connection was made.
    public var peer: PeerCredentials { stream.peer }

    /// Identifies this connection. No later connection gets the same value as long as the reactor lives.
    public var id: ID { ID(rawValue: key) }

    /// Whether ``send(_:)-(Span<UInt8>)`` may be called: the connection is neither closed nor finished at this end, and
    /// not known to be broken. A peer that has only finished sending still receives messages.
    public var isOpen: Bool { lifecycle.canSend }

    /// Whether ``finishSending()`` was called.
    public var hasFinishedSending: Bool { lifecycle.output == .finishing || lifecycle.output == .finished }

    /// The number of queued bytes, which the kernel has not taken yet, envelopes included.
    public var pendingByteCount: Int { queue?.value.byteCount ?? 0 }

    /// The number of messages that are queued, also in part, or were when the output failed.
    var pendingMessageCount: Int {
        guard let queue else { return ownRare?.unsent.total ?? 0 }
        return queue.value.messageCount
    }

    /// After the end, or after ``PipeConnectionDelegate/connection(_:didFailSendingWith:)``: the number of messages
    /// that `send` took, and of which not one byte reached the kernel. They were certainly not delivered. Before that,
    /// 0.
    public var unsentMessageCount: Int { ownRare?.unsent.messageCount ?? 0 }

    /// After the end, or after ``PipeConnectionDelegate/connection(_:didFailSendingWith:)``: whether the kernel had
    /// taken a part of a message. It was certainly not delivered whole. Before that, false.
    public var hasPartlySentMessage: Bool { ownRare?.unsent.hasPartlySentMessage ?? false }

    /// The number of messages that were displaced: taken by `send`, and then dropped in favour of later ones, because
    /// the peer reads too slowly; see ``Configuration/slowReaderPolicy``.
    public var displacedMessageCount: Int { ownRare?.displacedMessageCount ?? 0 }

    /// The number of messages that were dropped instead of being taken, because the peer reads too slowly; see
    /// ``Configuration/slowReaderPolicy``.
    public var droppedMessageCount: Int { ownRare?.droppedMessageCount ?? 0 }

    /// At a client whose server has closed, or has finished sending, before anything came back: the likely causes. Nil
    /// before that, if something came, if the connection ended otherwise, and if it belongs to no client.
    public var unansweredClose: UnansweredClose? {
        if lifecycle.state == .finished { return client?.unansweredClose(of: self, .closedByPeer) }
        return ownRare?.unansweredClose
    }

    /// What other threads hold in order to send on this connection.
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

    /// Sends the queue, then tells the peer that no more messages follow (`shutdown(2)` with `SHUT_WR`). Messages still
    /// arrive.
    ///
    /// From now on, `send` throws ``PipeError/notConnected(_:)``. A server of this library answers the messages that it
    /// has received, and closes.
    public func finishSending() {
        endpoint.assertOwner()
        guard lifecycle.finishSending() == .flush else { return }
        leaveAllGroups()
        schedule()
    }

    /// Sends the queue, then closes. Messages that arrive from now on are not delivered.
    ///
    /// `didCloseWith` follows with ``DisconnectReason/closedLocally``, or with ``DisconnectReason/closedByPeer`` if the
    /// peer had finished before. A peer has ``Configuration/closeTimeout`` to read the queue.
    public func close() {
        endpoint.assertOwner()
        beginClose(lifecycle.state == .finished ? .closedByPeer : .closedLocally)
    }

    /// Discards the queue and closes at once. `didCloseWith` follows with ``DisconnectReason/closedLocally``, or with
    /// the reason for which the connection was closing already.
    public func abort() {
        endpoint.assertOwner()
        end(decidedReason ?? .closedLocally)
    }

    /// ``rare``, if it exists.
    var rareIfAny: RareConnectionState? { ownRare }

    var rare: RareConnectionState {
        if let ownRare { return ownRare }
        let made = RareConnectionState()
        ownRare = made
        return made
    }

    /// The reason of the end, once it is decided.
    var decidedReason: DisconnectReason? {
        if lifecycle.endsByPeer { return .closedByPeer }
        return ownRare?.endReason
    }

    deinit {
        queue?.destroy()
    }

    // MARK: Receiving

    /// Stops reading and delivering messages, so that the kernel makes the peer wait. No message is lost.
    ///
    /// A paused connection does not notice the end of the peer either.
    public func pauseReceiving() {
        endpoint.assertOwner()
        flow.pause()
    }

    /// Delivers messages again, from the loop, beginning with those that were read before the pause.
    public func resumeReceiving() {
        endpoint.assertOwner()
        guard !isDetaching else { return }
        flow.resume()
        turn.want()
        schedule()
    }
}

extension PipeConnection {
    /// Identifies a connection within its reactor.
    public struct ID: Hashable, Sendable, CustomStringConvertible {
        let rawValue: UInt64

        /// Short and unique, for logs: the number of a slot, and how often the slot has been used, such as `17.1`.
        public var description: String { "\(rawValue & 0xFFFF_FFFF).\(rawValue >> 32)" }

        /// The identifier with this ``description``; nil if it is none's.
        package init?(_ description: String) {
            let parts = description.split(separator: ".", omittingEmptySubsequences: false).map { UInt64($0) }
            guard parts.count == 2, let slot = parts[0], let use = parts[1], max(slot, use) <= UInt32.max else {
                return nil
            }
            self.init(rawValue: use << 32 | slot)
        }

        init(rawValue: UInt64) { self.rawValue = rawValue }
    }
}

extension PipeConnection: CustomStringConvertible {
    /// The ``id`` and the peer, for logs.
    public var description: String { "connection \(id) (\(peer))" }
}

@available(*, unavailable, message: "a connection belongs to its reactor's thread; other threads hold its sender")
extension PipeConnection: Sendable {}

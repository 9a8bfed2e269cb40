// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

/// What all connections of one server or client have in common, so that a connection holds one word for all of it.
final class Endpoint {
    let reactor: Reactor
    let buffers: ReactorBuffers
    let framing: any MessageFraming
    let configuration: PipeConnection.Configuration

    // The usual framing once more by its own type: then the compiler puts scanning and encoding in line, and no
    // existential is opened at each message.
    let lengthPrefix: LengthPrefixFraming?

    /// Whether a queue takes another message.
    let admission: QueueAdmission

    /// How much memory the connections use, and may use.
    let ledger: ByteLedger

    /// What of the budget one connection may hold, and as much again have queued.
    let byteShare: Int

    /// What is wanted of a budget that has no room, until the largest holder has been looked for.
    var demand: BudgetDemand?
    var shortageTimer: ScheduledWork?

    /// How much a read may bring. Usually all that there is space for; while there is little room in a budget, what every
    /// connection may hold in any case.
    @safe @exclusivity(unchecked) private var readByteCount = ReactorBuffers.receiveByteCount

    /// What one connection may hold of a message.
    let heldByteLimit: Int

    // Read for each event, thus unchecked.
    @safe @exclusivity(unchecked) private(set) var deadlines: DeadlineSweep

    // Where the deadlines are looked after, and the place there while there are any.
    private let round: SweepRound
    var placeInRound: Int?

    /// The connections that have not had their end.
    @safe @exclusivity(unchecked) var connections: ConnectionList

    /// Whether a draining server waits for whoever handles a connection to close it.
    var leavesClosingToOwner = false

    private(set) lazy var groups = GroupMembers()

    /// The largest message that becomes a plain frame (``FrameBuffer/appendPlainFrame(_:)``); -1 where none does.
    let plainMessageLimit: Int

    /// Whether peers can send us descriptors, because the kernel does not refuse them.
    let acceptsDescriptors: Bool

    /// At least one.
    let messagesPerTurn: Int

    // Read at each accept, where the whole configuration would be copied for it.
    let sendBufferByteCount: Int?

    // Unchecked: nothing is called while it is changed, and a check would cost more than the addition.
    @safe @exclusivity(unchecked) var traffic = ServerCounts()

    /// Held strongly until the server or client has stopped.
    var delegate: (any PipeConnectionDelegate)?

    /// The server or client. It outlives its connections, because it ends only after the last of them.
    /// It takes itself out of here at its end, so that this needs no weak reference, which would cost each connection 300
    /// instructions.
    unowned(unsafe) var owner: (any ConnectionOwner)?

    init(
        _ reactor: Reactor, _ configuration: PipeConnection.Configuration, _ delegate: any PipeConnectionDelegate,
        _ ledger: ByteLedger = ByteLedger(), byteShare: Int? = nil
    ) {
        self.reactor = reactor
        self.ledger = ledger
        self.byteShare = byteShare ?? .max
        self.framing = configuration.framing
        lengthPrefix = configuration.framing as? LengthPrefixFraming
        self.configuration = configuration
        acceptsDescriptors = configuration.lacksPassRights || !DescriptorRefusal.isRefusedByKernel
        admission = QueueAdmission(configuration)
        messagesPerTurn = max(1, configuration.messagesPerTurn)
        sendBufferByteCount = configuration.sendBufferByteCount
        heldByteLimit = min(configuration.effectiveHeldByteLimit, self.byteShare)
        let deadlines = DeadlineSweep(configuration)
        self.deadlines = deadlines
        round = reactor.companion(SweepRounds.self) { SweepRounds(reactor) }.round(every: deadlines.interval)
        connections = ConnectionList(of: reactor.registry)
        plainMessageLimit = min(lengthPrefix?.plainLimit ?? -1, ReactorBuffers.inPlaceByteCount - 1)
        self.delegate = reactor.meter.map { MeasuredDelegate(delegate, $0) } ?? delegate
        buffers = reactor.companion(ReactorBuffers.self) { ReactorBuffers(reactor) }
        boundReads()
        ledger.tightnessDidChange = { [unowned self] in boundReads() }
    }

    /// Where reads go.
    var readSpace: UnsafeMutableRawBufferPointer {
        @inline(__always)
        get {
            unsafe UnsafeMutableRawBufferPointer(start: buffers.receiveSpace.baseAddress, count: readByteCount)
        }
    }

    private func boundReads() {
        readByteCount = ledger.isTight ? ByteLedger.floor : ReactorBuffers.receiveByteCount
    }

    deinit {
        leaveRound()
        shortageTimer?.cancel()
        ledger.tightnessDidChange = {}
    }

    // MARK: Deadlines

    /// The present, in ticks of ``DeadlineSweep``.
    var tick: UInt32 {
        @inline(__always) get { deadlines.tick }
    }

    /// Something began that a limit applies to: has the deadlines looked after until nothing of the kind is left. So a
    /// server with nothing to do is not woken up.
    func watchDeadlines() {
        if placeInRound == nil { placeInRound = round.insert(self) }
    }

    /// A tick. Returns whether a deadline may pass later.
    func lookAfterDeadlines() -> Bool {
        deadlines.advance()
        assert(accountsProblem == nil, accountsProblem ?? "")
        var isAnyoneWatched = false
        forEachConnection { if $0.lookAfterDeadlines() { isAnyoneWatched = true } }
        return isAnyoneWatched
    }

    func leaveRound() {
        guard let placeInRound else { return }
        self.placeInRound = nil
        round.remove(at: placeInRound)
    }
}

extension PipeConnection.Configuration {
    /// A framing's limit is for messages. What surrounds them is little, and what was read behind one waits with it.
    var effectiveHeldByteLimit: Int {
        heldByteLimit ?? (min(framing.maximumMessageByteCount, .max / 2) + Self.heldByteSurplus)
    }

    private static let heldByteSurplus = 2 << 20
}

extension Endpoint {
    /// In debug builds, ends the process where a connection, server or client is used on another thread than its
    /// reactor's, or in a forked child. In release builds there is nothing of it.
    @inline(__always)
    func assertOwner() {
        assert(reactor.executor.admitsCaller, "a connection belongs to its reactor's thread; others hold its sender")
    }

    /// Appends one frame; see ``MessageFraming/encode(_:into:)``.
    @inline(__always)
    func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        if let lengthPrefix { return try lengthPrefix.encode(message, into: &output) }
        try framing.encode(message, into: &output)
    }

    /// The size of a message's frame. A framing that gives no envelope is not asked further: it is the message's then.
    func frameByteCount(of message: Span<UInt8>) throws(FramingError) -> Int {
        if let lengthPrefix, message.count <= lengthPrefix.plainLimit {
            return message.count + QueueAdmission.headerByteCount
        }
        var envelope = FrameBuffer()
        _ = try framing.encodeEnvelope(of: message, into: &envelope)
        return message.count + envelope.byteCount
    }
}

/// Who hears of a connection's end, before and after the delegate does, and of the end of its output.
protocol ConnectionOwner: AnyObject {
    /// A write has failed for good.
    ///
    /// - Parameter unsent: what was still queued; gone after this call.
    func connectionDidFailSending(_ connection: PipeConnection, unsent: SendQueueSlot)

    /// - Parameter unsent: what was still queued; gone after this call.
    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueueSlot?)

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason)

    /// What it has in the ledger itself, beside its connections.
    var keptByteCharge: Int { get }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

/// The common part of all connections of one server or client, so that a connection needs one word for all of it. It
/// refers to ``ReactorBuffers``, the memory that all connections of one reactor share, whatever server or client they
/// belong to.
///
/// The properties that are read for each event or message are not checked for overlapping accesses: no other code runs
/// while one of them changes, and the check would cost more than the access.
final class Endpoint {
    let reactor: Reactor
    let buffers: ReactorBuffers
    @safe @exclusivity(unchecked) private(set) var configuration: PipeConnection.Configuration
    let codec: FrameCodec
    @safe @exclusivity(unchecked) private(set) var limits: EndpointLimits
    @safe @exclusivity(unchecked) var budget: EndpointBudget
    @safe @exclusivity(unchecked) var sweep: EndpointSweep

    /// The descriptors in flight; nil if none are accepted.
    let descriptors: DescriptorLedger?

    /// The connections that have not ended.
    @safe @exclusivity(unchecked) var connections: ConnectionList

    @safe @exclusivity(unchecked) var traffic = ServerCounts()

    /// Held strongly until the server or client has stopped.
    var delegate: (any PipeConnectionDelegate)?

    /// Whether tasks handle its connections, or some of them.
    @safe @exclusivity(unchecked) var servesTasks = false

    /// Gets the messages in place of the delegate, while a task carries out a read.
    @safe @exclusivity(unchecked) var batchReceiver: BatchReceiver?

    /// The server or client. It outlives its connections, because it ends only after the last of them.
    /// It removes itself at its end, so that no weak reference is needed, which would cost each connection 300
    /// instructions.
    unowned(unsafe) var owner: (any ConnectionOwner)?

    /// What watches the messages; nil while no tap is attached.
    var taps: TapDelegate?

    /// Whether the sizes of large frames can be predicted.
    var predictions = FramePredictions()

    /// Whether a graceful shutdown lets a connection's handler close it.
    var leavesClosingToOwner = false

    init(
        _ reactor: Reactor, _ configuration: PipeConnection.Configuration, _ delegate: any PipeConnectionDelegate,
        _ ledger: ByteLedger = ByteLedger(), byteShare: Int? = nil
    ) {
        self.reactor = reactor
        self.configuration = configuration
        codec = FrameCodec(configuration.framing)
        limits = EndpointLimits(configuration, byteShare: byteShare)
        descriptors = configuration.descriptors.acceptance.map { DescriptorLedger($0, reactor.executor) }
        precondition(
            descriptors == nil || codec.announcing != nil, "\(configuration.framing) cannot announce descriptors")
        budget = EndpointBudget(ledger, limits.admission)
        sweep = EndpointSweep(configuration, reactor)
        connections = ConnectionList(of: reactor.registry)
        buffers = reactor.companion(ReactorBuffers.self) { ReactorBuffers(reactor) }
        setDelegate(delegate)
        ledger.tightnessDidChange = { [unowned self] in tightnessDidChange() }
    }

    /// Callbacks go to the delegate from now on, measured if the reactor measures them.
    func setDelegate(_ delegate: any PipeConnectionDelegate) {
        let delegate = reactor.meter.map { MeasuredDelegate(delegate, $0) } ?? delegate
        if let taps { taps.delegate = delegate } else { self.delegate = delegate }
    }

    /// Replaces the configuration and the limits. The framing stays.
    func change(_ configuration: PipeConnection.Configuration, byteShare: Int?) {
        self.configuration = configuration
        limits = EndpointLimits(configuration, byteShare: byteShare)
        budget.adapt(limits.admission)
    }

    /// The memory for the next read.
    var readBuffer: UnsafeMutableRawBufferPointer {
        @inline(__always)
        get {
            unsafe UnsafeMutableRawBufferPointer(start: buffers.receiveBuffer.baseAddress, count: budget.readByteCount)
        }
    }

    deinit {
        leaveRound()
        budget.shortageTimer?.cancel()
        budget.roomTimer?.cancel()
        ledger.tightnessDidChange = {}
    }
}

extension Endpoint {
    var framing: any MessageFraming { codec.framing }
    var ledger: ByteLedger { budget.ledger }
    var groups: GroupMembers { connections.groups }

    /// Whether peers can send us descriptors: because they may, or because the kernel does not refuse them.
    var letsDescriptorsThrough: Bool {
        descriptors != nil || configuration.lacksPassRights || !DescriptorRefusal.isRefusedByKernel
    }

    /// In debug builds, traps if a connection, server or client is used on a thread other than its reactor's, or in a
    /// forked child. In release builds, does nothing.
    @inline(__always)
    func assertOwner() {
        assert(
            reactor.executor.admitsCaller,
            """
            connections, servers and clients belong to their reactor's thread; other threads use a connection's \
            sender, and a server's or client's reference
            """)
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The transient state of a connection, apart from its ``ConnectionLifecycle``: values that share one word of memory,
/// so that the fast path tests all of them with one comparison. Only the file of a value writes its bits.
struct ConnectionState: Hashable {
    private var word: UInt32

    /// What epoll watches, and what it has reported.
    var interest: ConnectionInterest {
        get { value(at: 0) }
        set { put(newValue, at: 0) }
    }

    /// Whether messages are delivered, and whether the delegate is to be told of a drain.
    var flow: FlowControl {
        get { value(at: 8) }
        set { put(newValue, at: 8) }
    }

    /// Its position in the reactor's turn.
    var turn: TurnState {
        get { value(at: 16) }
        set { put(newValue, at: 16) }
    }

    // Reads are not plain system calls: the stream is not `ByteStream.isDirect`. The bit is here so that the fast path
    // stays one comparison.
    private static let indirect: UInt32 = 1 << 24

    // The connection counts for itself, which the fast path does not: this bit keeps it off that path.
    private static let counted: UInt32 = 1 << 25

    // The connection has terms of its own, which the fast path does not know: this bit keeps it off that path.
    private static let upgraded: UInt32 = 1 << 26

    // Taps watch the connection, of which the fast path knows nothing: this bit keeps it off that path.
    private static let tapped: UInt32 = 1 << 27

    init(isDirect: Bool = true, isCounted: Bool = false) {
        word = (isDirect ? 0 : Self.indirect) | (isCounted ? Self.counted : 0)
    }

    /// Whether the connection keeps ``PipeConnection/Statistics`` of its own.
    var isCounted: Bool {
        @inline(__always) get { word & Self.counted != 0 }
    }

    /// Whether the connection has ``ConnectionTerms`` of its own.
    var isUpgraded: Bool {
        @inline(__always) get { word & Self.upgraded != 0 }
    }

    mutating func upgrade() { word |= Self.upgraded }

    /// Whether taps are attached to the connection's endpoint.
    var isTapped: Bool {
        @inline(__always) get { word & Self.tapped != 0 }
    }

    mutating func setTapped(_ isTapped: Bool) {
        if isTapped { word |= Self.tapped } else { word &= ~Self.tapped }
    }

    /// Whether each message that is sent takes the slow path, so that no queue is prepaid. One test for both causes.
    var sendsSlowly: Bool {
        @inline(__always) get { word & (Self.upgraded | Self.tapped) != 0 }
    }

    /// A direct connection that waits for input, and for nothing else.
    static var idle: ConnectionState {
        var state = ConnectionState()
        state.interest = .onlyInput
        return state
    }

    /// The same inside a turn in which nothing else has happened.
    static var serving: ConnectionState {
        var state = idle
        state.turn = .onlyBusy
        return state
    }

    @inline(__always)
    private func value<Value: StateByte>(at shift: UInt32) -> Value {
        Value(byte: UInt8(truncatingIfNeeded: word >> shift))
    }

    @inline(__always)
    private mutating func put<Value: StateByte>(_ value: Value, at shift: UInt32) {
        word = word & ~(0xFF << shift) | UInt32(value.byte) << shift
    }
}

/// A value that takes one byte of a connection's word. A connection begins with zero.
protocol StateByte: Hashable {
    var byte: UInt8 { get }
    init(byte: UInt8)
}

extension PipeConnection {
    // Shorthands: each is one byte of `state`.
    var interest: ConnectionInterest {
        @inline(__always) get { state.interest }
        @inline(__always) set { state.interest = newValue }
    }

    var flow: FlowControl {
        @inline(__always) get { state.flow }
        @inline(__always) set { state.flow = newValue }
    }

    var turn: TurnState {
        @inline(__always) get { state.turn }
        @inline(__always) set { state.turn = newValue }
    }

    /// A contradiction between the values, or nil. For tests and the simulation, between two turns.
    var stateProblem: String? {
        if let problem = flow.problem ?? lifecycle.problem { return "\(id): \(problem)" }
        guard lifecycle.state != .closed else { return nil }
        if turn.isBusy { return "\(id) is busy outside of its turn" }
        if interest.awaitsWritability, !interest.watchesOutput { return "\(id) awaits writability unwatched" }
        if interest.awaitsWritability, queue == nil { return "\(id) awaits writability with nothing queued" }
        if flow.isAboveHighWaterMark, queue == nil { return "\(id) is above its mark with nothing queued" }
        return nil
    }
}

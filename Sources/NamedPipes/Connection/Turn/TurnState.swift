// SPDX-License-Identifier: Apache-2.0

/// Where a connection stands in the reactor's turn: a value, so that it can be tested without a socket.
///
/// ```
///               schedule                 comeUp            begin
///     idle ───────────────▶ scheduled ───────────▶ idle ───────────▶ busy
///       ▲                                                              │
///       └───────────────────────────── end ────────────────────────────┘
/// ```
///
/// An event may make a scheduled connection busy: then it stays scheduled and has its turn again. A busy one is not
/// scheduled, because it settles at its end; it ``want``s another turn where that is not enough.
struct TurnState: StateByte {
    private(set) var byte: UInt8

    init(byte: UInt8 = 0) { self.byte = byte }

    // In the turn queue of the reactor.
    private static let scheduled: UInt8 = 1
    // Inside `handle(_:)` or `runInTurn()`.
    private static let busy: UInt8 = 2
    // There is more to do than one turn allows.
    private static let wanted: UInt8 = 4

    /// Busy, and nothing else.
    static var onlyBusy: TurnState { TurnState(byte: busy) }

    var isScheduled: Bool { byte & Self.scheduled != 0 }
    var isBusy: Bool { byte & Self.busy != 0 }

    /// Returns whether to enter it in the turn queue: false where it is there, or busy.
    mutating func schedule() -> Bool {
        guard byte & (Self.scheduled | Self.busy) == 0 else { return false }
        byte |= Self.scheduled
        return true
    }

    /// The reactor took it from the turn queue.
    mutating func comeUp() {
        precondition(isScheduled, "a turn that was not asked for")
        byte &= ~Self.scheduled
    }

    /// Work begins.
    mutating func begin() {
        assert(!isBusy, "a callback never runs inside another")
        byte |= Self.busy
    }

    /// Whatever was wanted is done now, or wanted again.
    mutating func beginWork() { byte &= ~Self.wanted }

    /// Asks for another turn, if a turn is all that is missing.
    mutating func want() { byte |= Self.wanted }

    /// Work is done.
    mutating func end() {
        assert(isBusy, "a turn ends once")
        byte &= ~Self.busy
    }

    /// Returns whether another turn was wanted, once.
    mutating func takeWish() -> Bool {
        guard byte & Self.wanted != 0 else { return false }
        byte &= ~Self.wanted
        return true
    }
}

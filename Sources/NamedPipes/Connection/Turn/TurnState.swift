// SPDX-License-Identifier: Apache-2.0

/// The position of a connection in the reactor's turn: a value, so that it can be tested without a socket.
///
/// ```
///               schedule                 comeUp            begin
///     idle ───────────────▶ scheduled ───────────▶ idle ───────────▶ busy
///       ▲                                                              │
///       └───────────────────────────── end ────────────────────────────┘
/// ```
///
/// An event can make a scheduled connection busy. It stays scheduled then, and works again at the end of the turn. A
/// busy connection is not scheduled, because it settles at the end of its work. If that is not enough, ``want()``
/// requests another turn.
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

    /// Returns whether to enter the connection in the turn queue: false if it is there already, or busy.
    mutating func schedule() -> Bool {
        guard byte & (Self.scheduled | Self.busy) == 0 else { return false }
        byte |= Self.scheduled
        return true
    }

    /// The reactor has taken the connection from the turn queue.
    mutating func comeUp() {
        precondition(isScheduled, "a turn that was not asked for")
        byte &= ~Self.scheduled
    }

    /// An event, or a scheduled turn, begins.
    mutating func begin() {
        assert(!isBusy, "a callback never runs inside another")
        byte |= Self.busy
    }

    /// Work begins, and includes what ``want()`` was called for. If it cannot finish, it calls ``want()`` again.
    mutating func beginWork() { byte &= ~Self.wanted }

    /// Requests another turn after this one.
    mutating func want() { byte |= Self.wanted }

    /// The event or turn is done.
    mutating func end() {
        assert(isBusy, "a turn ends once")
        byte &= ~Self.busy
    }

    /// Returns, once, whether another turn was requested.
    mutating func takeWish() -> Bool {
        guard byte & Self.wanted != 0 else { return false }
        byte &= ~Self.wanted
        return true
    }
}

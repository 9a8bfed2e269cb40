// SPDX-License-Identifier: Apache-2.0

/// The fate of a server's name; see ``PipeServerDelegate/server(_:didLoseName:)``.
@nonexhaustive
public enum NameLoss: Hashable, Sendable {
    /// A successor asked for the name and has it. The server continues to accept for a moment, then it stops.
    /// `processID` is the successor's, as it says itself.
    case takenOver(processID: Int32?)

    /// Something else has the name: another file, or a socket whose server did not ask. It is left alone.
    case replaced

    /// Nothing has the name: the file was removed or renamed, or its directory was.
    case removed
}

/// The reaction of a server to a check of its name: a value, so that it can be tested without files.
///
/// ```
///          wanted           the lock is another's, and another socket there
///   held ◀───────▶ givenUp ───────────────────────────────────────▶ takenOver
///    │  the lock is ours again                                          ▲
///    ▼ not reachable                                                    │
///   lost ◀───────▶ lostAndGivenUp ──────────────────────────────────────┘
///    │                │
///    ▼ back           ▼ back
///   held           givenUp
/// ```
///
/// The lock alone decides which server may have the name, whether the name is still there or not: so a server whose
/// socket was removed can be replaced as any other, and the socket of a process that did not ask is no successor.
struct NameStateMachine {
    /// The result of a check.
    struct Look: Equatable {
        /// Clients find the socket by the name.
        var isReachable: Bool
        /// A candidate waits for the lock.
        var isWanted: Bool
        /// Other processes find the lock's file.
        var isLockInPlace = true
        var occupant: Occupant
    }

    /// The present meaning of the name, if it is not our socket.
    enum Occupant { case nobody, socket, other }

    enum State: Equatable {
        case held
        /// The candidate may take the lock; until it has, clients reach this server.
        case givenUp
        case lost
        /// The candidate may take the lock, and clients find no server.
        case lostAndGivenUp
        case takenOver
    }

    enum Step: Equatable {
        case nothing
        case giveLockUp
        /// Take the lock back, then call ``step(afterTakingLockBack:_:)``.
        case takeLockBack
        /// Make the lock's file again: another process has removed it.
        case putLockBack
        case reportLoss(NameLoss)
        /// The name is still lost: publish it again, if that is wanted.
        case republish
        case reportReturn
        case leave
    }

    private(set) var state = State.held

    mutating func step(after look: Look) -> Step {
        switch (state, look.isReachable) {
        case (.held, true):
            // First of all: a candidate whose lock file no other process finds would not be the only one.
            guard look.isLockInPlace else { return .putLockBack }
            return look.isWanted ? giveUp(.givenUp) : .nothing
        case (.held, false):
            if look.isWanted { return giveUp(.givenUp) }
            state = .lost
            return .reportLoss(look.occupant == .nobody ? .removed : .replaced)
        case (.lost, true):
            state = .held
            return .reportReturn
        case (.lost, false):
            return look.isWanted ? giveUp(.lostAndGivenUp) : .republish
        case (.lostAndGivenUp, true):
            state = .givenUp
            return .reportReturn
        case (.givenUp, _), (.lostAndGivenUp, false):
            return look.isWanted ? .nothing : .takeLockBack
        case (.takenOver, _):
            return .nothing
        }
    }

    private mutating func giveUp(_ next: State) -> Step {
        state = next
        return .giveLockUp
    }

    /// The candidacy is over: the candidate is gone, and the lock is ours again; or it has the lock and with it the
    /// name.
    mutating func step(afterTakingLockBack isOurs: Bool, _ look: Look) -> Step {
        if isOurs {
            state = state == .givenUp ? .held : .lost
            return .nothing
        }
        // A candidate without a socket is a process that only checks whether the lock is free.
        guard !look.isReachable, look.occupant == .socket else { return .nothing }
        state = .takenOver
        return .leave
    }
}

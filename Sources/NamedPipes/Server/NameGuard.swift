// SPDX-License-Identifier: Apache-2.0

/// What became of a server's name; see ``PipeServerDelegate/server(_:didLoseName:)``.
@nonexhaustive
public enum NameLoss: Hashable, Sendable {
    /// A successor asked for the name and has it. The server goes on accepting for a moment, then it stops.
    /// `processID` is the successor, by its own word.
    case takenOver(processID: Int32?)

    /// Something else has the name: another file, or a socket that did not ask. It is left alone.
    case replaced

    /// Nothing has the name: the file was removed or renamed, or its directory was.
    case removed
}

/// What a server does about its name after a look at it: a value, so that it can be tested without files.
///
/// ```
///          wanted             not reachable, another socket there
///   held ─────────▶ givenUp ──────────────────────────────────────▶ takenOver
///    │  ◀─────────    │ not wanted any more
///    │                │ not reachable, and nobody there
///    ▼ not reachable  ▼
///   lost ─────────▶ held, if it is back
/// ```
struct NameGuard {
    /// What was seen.
    struct Look: Equatable {
        /// Clients find the socket by the name.
        var isReachable: Bool
        /// A candidate waits for the lock.
        var isWanted: Bool
        var occupant: Occupant
    }

    /// What the name stands for, if not for our socket.
    enum Occupant { case nobody, socket, other }

    enum State: Equatable {
        case held
        /// The candidate may take the lock; until it has, clients come here.
        case givenUp
        case lost
        case takenOver
    }

    enum Step: Equatable {
        case nothing
        case giveLockUp
        /// Then tell ``didTakeLockBack()``.
        case takeLockBack
        case reportLoss(NameLoss)
        /// It is lost still: publish it again, if that is wanted.
        case republish
        case reportReturn
        case leave
    }

    private(set) var state = State.held

    mutating func step(after look: Look) -> Step {
        switch (state, look.isReachable) {
        case (.held, true):
            guard look.isWanted else { return .nothing }
            state = .givenUp
            return .giveLockUp
        case (.held, false):
            state = .lost
            return .reportLoss(look.occupant == .nobody ? .removed : .replaced)
        case (.givenUp, true):
            return look.isWanted ? .nothing : .takeLockBack
        case (.givenUp, false):
            // Only a socket is a successor. What else happened to the name is ours to report, once the lock is ours.
            guard look.occupant == .socket else { return .takeLockBack }
            state = .takenOver
            return .leave
        case (.lost, true):
            state = .held
            return .reportReturn
        case (.lost, false):
            return .republish
        case (.takenOver, _):
            return .nothing
        }
    }

    /// The candidate is gone, and the lock ours again.
    mutating func didTakeLockBack() { state = .held }
}

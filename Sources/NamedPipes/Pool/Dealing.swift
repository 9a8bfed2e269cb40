// SPDX-License-Identifier: Apache-2.0

/// How a pool chooses the worker that serves a client: ``PipeServerPool``.
public enum Dealing: Hashable, Sendable, CaseIterable {
    /// The worker with the fewest live connections. The default: the workers stay even when many clients leave at once.
    case fewestConnections

    /// One worker after the other.
    case roundRobin

    /// All connections of one user (`SO_PEERCRED`) at the same worker, so that a delegate can keep what belongs to a
    /// user without a lock. A user's clients wait for that worker while it is busy.
    case byUser
}

/// Chooses the worker for each client: a value, so that it can be tested without sockets and threads.
struct Dealer {
    /// The facts about a worker that matter for the choice.
    struct Candidate: Equatable {
        /// Its live connections, and the clients that are on their way to it.
        var load = 0
        /// Whether it has not answered in time; see ``WorkerInbox``.
        var isHeld = false
    }

    private let dealing: Dealing
    /// Where the next search begins.
    private var next = 0

    init(_ dealing: Dealing) { self.dealing = dealing }

    /// Whether a client can be dealt again while its worker is held.
    var mayDealAgain: Bool { dealing != .byUser }

    /// The index of the worker for a user's client. A worker that is held is chosen only if all of them are, or if the
    /// user has no other.
    ///
    /// - Parameter candidates: all workers, at least one.
    mutating func choose(for userID: UInt32, among candidates: [Candidate]) -> Int {
        switch dealing {
        case .fewestConnections: fewest(among: candidates)
        case .roundRobin: following(among: candidates)
        case .byUser: Int(userID) % candidates.count
        }
    }

    /// Of several with the same load, the one that follows the last choice, so that idle workers take turns.
    private mutating func fewest(among candidates: [Candidate]) -> Int {
        var best = next % candidates.count
        for step in 1..<max(candidates.count, 1) {
            let index = (next + step) % candidates.count
            if candidates[index] < candidates[best] { best = index }
        }
        next = (best + 1) % candidates.count
        return best
    }

    private mutating func following(among candidates: [Candidate]) -> Int {
        let indices = (0..<candidates.count).map { (next + $0) % candidates.count }
        let chosen = indices.first { !candidates[$0].isHeld } ?? indices[0]
        next = (chosen + 1) % candidates.count
        return chosen
    }
}

extension Dealer.Candidate: Comparable {
    /// Those that answer come first, then those with less to do.
    static func < (one: Self, other: Self) -> Bool {
        one.isHeld == other.isHeld ? one.load < other.load : !one.isHeld
    }
}

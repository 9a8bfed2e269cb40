// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The watches of one run: one for the delegate of a server or a client, or one for that of each worker of a pool. The
/// promises about order hold for each of them.
struct ContractWatches {
    let all: [ContractWatch]

    /// - Parameter count: at least one.
    init(_ count: Int, _ reactor: Reactor, timeLimit: Duration) {
        all = (0..<count).map { _ in ContractWatch(reactor, timeLimit: timeLimit) }
    }

    var first: ContractWatch { all[0] }

    var hasHeldLoop: Bool { all.contains(where: \.hasHeldLoop) }

    /// Whether every delegate was told of the stop.
    var haveStopped: Bool { all.allSatisfy(\.hasStopped) }

    /// The connections that were opened and have not ended.
    var openConnections: [PipeConnection.ID] { all.flatMap(\.contract.openConnections) }

    /// The elements that the delegates keep.
    var keptElementCount: Int { all.reduce(0) { $0 + KeptElements.count(in: $1.keeper) } }

    /// The delegates, to see whether they end.
    var keepers: [WeakKeeper] { all.map { WeakKeeper(object: $0.keeper) } }

    struct WeakKeeper {
        weak var object: AnyObject?
    }
}

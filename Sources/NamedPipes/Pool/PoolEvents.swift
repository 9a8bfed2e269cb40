// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

extension PipeServerPool {
    /// An event of a pool, other than those of its connections.
    @nonexhaustive
    public enum Event: Sendable {
        /// The name is published, and all workers are ready.
        case listening
        /// A client was refused, by the limits that all workers share or by the delegate of one; see
        /// ``PipeServerDelegate/server(_:didRefuse:)``. The delegate of a worker hears only of those that this worker
        /// has refused.
        case refused(RefusalReport)
        /// No client can be accepted for now; see ``PipeServerDelegate/server(_:didFailToAcceptWith:)``.
        case acceptFailed(SystemError)
        /// Clients do not find the pool any more; see ``PipeServerDelegate/server(_:didLoseName:)``.
        case lostName(NameLoss)
        /// A lost name cannot be published again for now; see ``PipeServerDelegate/server(_:didFailToRepublish:)``.
        case republishFailed(PipeError)
        /// Clients find the pool again.
        case regainedName
        /// The name is given up, and every connection has ended. Nothing follows.
        case stopped(ShutdownReport)
    }
}

/// The delegate of the server that has a pool's name: it passes the events of the name on.
final class PoolNameDelegate: PipeServerDelegate {
    private let pool: PipeServerPool

    init(_ pool: PipeServerPool) { self.pool = pool }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}

    func server(_ server: PipeServer, didRefuse report: RefusalReport) { pool.tell(.refused(report)) }

    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) { pool.tell(.acceptFailed(error)) }

    func server(_ server: PipeServer, didLoseName loss: NameLoss) { pool.tell(.lostName(loss)) }

    func server(_ server: PipeServer, didFailToRepublish error: PipeError) { pool.tell(.republishFailed(error)) }

    func serverDidRegainName(_ server: PipeServer) { pool.tell(.regainedName) }
}

/// The delegate of a worker's server before it has the one that the pool's owner makes for it.
final class UnmadeDelegate: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor
internal import Synchronization

extension PipeServerPool {
    /// Changes the policy, the limits and the deadlines of all workers while they run; see
    /// ``PipeServer/reconfigure(_:)``. May be called from any thread.
    ///
    /// When this returns, the new policy and the new numbers of connections decide about clients, and the new budgets
    /// bound what is taken. The deadlines follow on each worker's thread, in a later turn of its loop.
    ///
    /// - Parameter configuration: the whole configuration.
    /// - Throws: ``PipeError/cannotChange(_:)`` or ``PipeError/budgetExceeded(_:)``. If it throws, nothing has changed.
    public func reconfigure(_ configuration: PipeServer.Configuration) throws(PipeError) {
        try state.withLock { state throws(PipeError) in
            try configuration.check(changedFrom: state.configuration)
            let budgets = configuration.budgets
            if let exceeded = budget.excess(over: budgets) { throw .budgetExceeded(exceeded) }
            state.configuration = configuration
            // Under the lock, so that of several callers the same one comes last everywhere.
            admission.follow(configuration, descriptorLimit: CurrentProcess.descriptorLimit)
            budget.follow(budgets)
        }
        for server in servers { server.perform { [self] in $0.follow(self.configuration) } }
    }

    /// The workers' servers, and the one that has the name.
    private var servers: [ReactorReference<PipeServer>] {
        workers.compactMap(\.server) + (state.withLock { $0.nameServer }.map { [$0] } ?? [])
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

extension ServerSession {
    /// Serves the statistics at ADDRESS.stat. A server that cannot do that serves its own name all the same.
    func offerStatistics(of server: PipeServer, takingOver takesOver: Bool) {
        let (reference, address) = (server.reference, server.address)
        log.offerStatistics(on: reactor.executor) {
            try await StatisticsEndpoint.serve(reference, beside: address, takingOver: takesOver)
        }
    }
}

extension PoolSession {
    /// Serves the sum over all workers, and the numbers of each, at ADDRESS.stat, on the main thread.
    func offerStatistics(of pool: PipeServerPool, takingOver takesOver: Bool) {
        log.offerStatistics(on: home) { [home] in
            try await StatisticsEndpoint.serve(pool, beside: pool.address, takingOver: takesOver, on: home)
        }
    }
}

extension ServerLog {
    fileprivate func offerStatistics(
        on executor: ReactorExecutor, _ serve: @escaping @Sendable () async throws -> Void
    ) {
        Task(executorPreference: executor) { [self] in
            do {
                try await serve()
            } catch is CancellationError {
                // Ends with the reactor.
            } catch {
                complain("no statistics are offered: \(Failure(error).message)", .statistics)
            }
        }
    }
}

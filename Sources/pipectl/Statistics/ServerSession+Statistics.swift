// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

extension ServerOptions {
    /// Whether the server is to have ADDRESS.stat.
    var offersStatistics: Bool { stat || !offer.isEmpty }

    /// What it offers there beside numbers.
    var offer: StatisticsEndpoint.Offer {
        var offer: StatisticsEndpoint.Offer = []
        if allowKick { offer.insert(.kick) }
        if allowTap { offer.insert(.tap) }
        return offer
    }

    /// Sets who is admitted, and, for numbers of each connection, that these are kept.
    func apply(to configuration: inout PipeServer.Configuration) {
        admission.apply(to: &configuration)
        configuration.connection.keepsStatistics = offersStatistics
    }
}

extension ServerSession {
    /// Serves the statistics at ADDRESS.stat. A server that cannot do that serves its own name all the same.
    func offerStatistics(of server: PipeServer, _ options: ServerOptions) {
        let (reference, address) = (server.reference, server.address)
        log.offerStatistics(on: reactor.executor) {
            try await StatisticsEndpoint.serve(
                reference, beside: address, takingOver: options.takeOver, offering: options.offer)
        }
    }
}

extension PoolSession {
    /// Serves the sum over all workers, and the numbers of each, at ADDRESS.stat, on the main thread.
    func offerStatistics(of pool: PipeServerPool, _ options: ServerOptions) {
        log.offerStatistics(on: home) { [home] in
            try await StatisticsEndpoint.serve(
                pool, beside: pool.address, takingOver: options.takeOver, offering: options.offer, on: home)
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

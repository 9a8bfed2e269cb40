// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

extension ServerSession {
    /// Serves the statistics at ADDRESS.stat. A server that cannot do that serves its own name all the same.
    func offerStatistics(of server: PipeServer, takingOver takesOver: Bool) {
        // Used on the reactor's thread only.
        nonisolated(unsafe) let session = self
        let (reference, address) = (server.reference, server.address)
        Task(executorPreference: reactor.executor) {
            do {
                try await StatisticsEndpoint.serve(reference, beside: address, takingOver: takesOver)
            } catch is CancellationError {
                // Ends with the reactor.
            } catch {
                unsafe session.complain("no statistics are offered: \(Failure(error).message)", .statistics)
            }
        }
    }
}

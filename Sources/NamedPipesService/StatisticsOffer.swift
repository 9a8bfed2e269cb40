// SPDX-License-Identifier: Apache-2.0
#if Service
internal import NamedPipes
internal import NamedPipesRPC
internal import Synchronization

/// The `StatisticsEndpoint` beside the name of a service, in one run of it, if it is configured to have one. A service
/// that cannot offer statistics serves all the same, and logs the reason.
final class StatisticsOffer: Sendable {
    private let isWanted: Bool
    private let takesOver: Bool
    private let log: ServerLog
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(_ configuration: PipeService.Configuration, _ log: ServerLog) {
        isWanted = configuration.statistics
        takesOver = configuration.server.existingServer == .takeOver
        self.log = log
    }

    /// Begins to offer a server's statistics, on its own reactor.
    func begin(_ server: PipeServer) {
        let (reference, address) = (server.reference, server.address)
        begin(on: reference.executor) { [takesOver] in
            try await StatisticsEndpoint.serve(reference, beside: address, takingOver: takesOver)
        }
    }

    /// Begins to offer a pool's statistics, on a thread of their own.
    func begin(_ pool: PipeServerPool) {
        begin(on: nil) { [takesOver] in
            try await StatisticsEndpoint.serve(pool, beside: pool.address, takingOver: takesOver)
        }
    }

    private func begin(on executor: ReactorExecutor?, _ serve: @escaping @Sendable () async throws -> Void) {
        guard isWanted else { return }
        let begun = Task(executorPreference: executor) { [log] in
            do {
                try await serve()
            } catch is CancellationError {
                // Ends with the service.
            } catch {
                log.noteMissingStatistics(error)
            }
        }
        task.withLock { $0 = begun }
    }

    /// Calls a function, and then ends the statistics, while their thread is still there.
    nonisolated(nonsending) func endAfter<Result>(
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        do {
            let result = try await body()
            await end()
            return result
        } catch {
            await end()
            throw error
        }
    }

    private nonisolated(nonsending) func end() async {
        guard let begun = task.withLock({ $0.take() }) else { return }
        begun.cancel()
        await begun.value
    }
}
#endif

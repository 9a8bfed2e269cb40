// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Runs a task to its end, on a reactor of this thread. The first signal cancels it, the second one abandons it.
func runOnReactor<Result: Sendable>(
    _ body: @escaping @Sendable (ReactorExecutor) async throws -> Result
) throws -> Result {
    let reactor = try Reactor()
    let executor = reactor.executor
    // Used on the reactor's thread only, which is this one.
    nonisolated(unsafe) var outcome = Swift.Result<Result, any Error>.failure(CancellationError())
    let task = Task(executorPreference: executor) {
        do {
            unsafe outcome = .success(try await body(executor))
        } catch {
            unsafe outcome = .failure(error)
        }
        executor.stop()
    }
    let signals = try Signals(reactor) { count in
        if count == 1 { task.cancel() } else { executor.stop() }
    }
    withExtendedLifetime(signals) { reactor.run() }
    return try unsafe outcome.get()
}

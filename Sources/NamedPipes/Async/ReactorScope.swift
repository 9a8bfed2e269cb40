// SPDX-License-Identifier: Apache-2.0
package import PipeReactor

/// Runs a function on a reactor's thread.
///
/// - Parameters:
///   - executor: the reactor's; nil to make a thread for this call, which ends with it.
///   - name: the name of that thread.
///   - configuration: the configuration of that thread's reactor.
package func withReactor<Result: Sendable>(
    _ executor: ReactorExecutor?, name: String, configuration: Reactor.Configuration = Reactor.Configuration(),
    _ body: @Sendable (ReactorExecutor) async throws -> Result
) async throws -> Result {
    if let executor { return try await withTaskExecutorPreference(executor) { try await body(executor) } }
    let thread = try ReactorThread(name: name, configuration: configuration) { _ in }
    // Nothing uses the reactor any more: this waits for a turn of its loop, and for the end of the thread.
    defer {
        thread.stop()
        thread.join()
    }
    return try await withTaskExecutorPreference(thread.executor) { try await body(thread.executor) }
}

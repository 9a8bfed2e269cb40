// SPDX-License-Identifier: Apache-2.0
package import PipeReactor

/// Runs a function on a reactor's thread.
///
/// - Parameters:
///   - executor: whose; nil for a thread that is made for it and ends with it.
///   - name: of that thread.
///   - configuration: of that thread's reactor.
package func withReactor<Result: Sendable>(
    _ executor: ReactorExecutor?, name: String, configuration: Reactor.Configuration = Reactor.Configuration(),
    _ body: @Sendable (ReactorExecutor) async throws -> Result
) async throws -> Result {
    if let executor { return try await withTaskExecutorPreference(executor) { try await body(executor) } }
    let thread = try ReactorThread(name: name, configuration: configuration) { _ in }
    // Nothing lives on the reactor any more: what is waited for is a turn of its loop, and the end of the thread.
    defer {
        thread.stop()
        thread.join()
    }
    return try await withTaskExecutorPreference(thread.executor) { try await body(thread.executor) }
}

// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport

/// Runs a test of an endpoint, whose server is about to listen, on threads of its own: beside tests that occupy the
/// global executor's threads, each of its many tasks would wait for seconds.
func withEndpoint(_ test: @escaping @Sendable () async throws -> Void) async throws {
    try await withTaskExecutorPreference(OtherThreads.asking, operation: test)
}

/// Asks until the endpoint is there and its answer is as expected.
func answer<Answer>(
    _ condition: (Answer) -> Bool = { _ in true }, to ask: () async throws -> Answer
) async throws -> Answer {
    while true {
        do {
            let answer = try await ask()
            if condition(answer) { return answer }
        } catch PipeError.noServer {}
        await Task.yield()
    }
}

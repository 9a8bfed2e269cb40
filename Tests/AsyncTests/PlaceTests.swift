// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

/// Where the parts of a handler run: what stays on the reactor's thread, and what leaves it on request.
@Suite struct `A handler` {
    nonisolated(nonsending) static func followsCaller(_ executor: ReactorExecutor) async -> Bool { executor.isCurrent }

    @concurrent static func isConcurrent(_ executor: ReactorExecutor) async -> Bool { executor.isCurrent }

    actor Elsewhere {
        func isOnReactor(_ executor: ReactorExecutor) -> Bool { executor.isCurrent }
    }

    @Test func `stays on its reactor with everything it awaits, unless another executor is preferred`() async throws {
        let (places, _) = try await Serving.run { connection in
            let executor = connection.executor
            var places = [executor.isCurrent, await Self.followsCaller(executor)]
            // The task prefers the reactor, and so does everything without an executor of its own, such as most actors.
            places.append(await Self.isConcurrent(executor))
            async let child = Self.isConcurrent(executor)
            places.append(await child)
            places.append(await Elsewhere().isOnReactor(executor))
            places.append(
                await withTaskExecutorPreference(globalConcurrentExecutor) { await Self.isConcurrent(executor) })
            places.append(executor.isCurrent)
            try await connection.send(places.map { $0 ? "here" : "elsewhere" }.joined(separator: " "))
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await connection.nextMessage().flatMap { String(copying: $0) }
            }
        }
        #expect(places == "here here here here here elsewhere here")
    }
}

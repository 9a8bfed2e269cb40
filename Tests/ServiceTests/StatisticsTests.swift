// SPDX-License-Identifier: Apache-2.0
#if Service
import NamedPipes
import NamedPipesRPC
import NamedPipesService
import PipeTestSupport
import Testing

@Suite struct `The statistics of a service` {
    @Test func `are offered beside its name if they are wanted, and end with it`() async throws {
        var running = try Running()
        running.configuration.statistics = true
        try await running.run { [running] _ in
            _ = try await ask(running.address, "hello")
            let snapshot = try await snapshot(beside: running.address)
            #expect(snapshot.acceptedCount == 1 && snapshot.receivedMessageCount == 1)
        }
        let address = running.address
        await #expect(throws: PipeError.noServer(try StatisticsEndpoint.address(beside: address))) {
            try await StatisticsEndpoint.ask(beside: address)
        }
        #expect(running.journal.lines.last == "info stopped")
    }

    @Test func `of a pool have those of each worker`() async throws {
        var running = try Running()
        running.configuration.statistics = true
        let announce = running
        running.configuration.onPoolEvent = { _, event in if case .listening = event { announce.didListen() } }
        let service = PipeService(
            at: .address(running.address), workers: .init(count: 2), configuration: running.configuration,
            logger: running.journal.logger, handler: echo)
        try await running.run(service) { [running] _ in
            _ = try await ask(running.address, "hello")
            let snapshot = try await snapshot(beside: running.address)
            #expect(snapshot.acceptedCount == 1 && snapshot.workers.count == 2)
        }
        let address = running.address
        await #expect(throws: PipeError.noServer(try StatisticsEndpoint.address(beside: address))) {
            try await StatisticsEndpoint.ask(beside: address)
        }
    }

    @Test func `are not offered otherwise`() async throws {
        let running = try Running()
        try await running.run { _ in
            let beside = try StatisticsEndpoint.address(beside: running.address)
            await #expect(throws: PipeError.noServer(beside)) {
                try await StatisticsEndpoint.ask(beside: running.address)
            }
        }
    }

    @Test func `that cannot be offered are a warning, and the service serves`() async throws {
        var running = try Running()
        running.configuration.statistics = true
        let other = try RawListener(at: StatisticsEndpoint.address(beside: running.address))
        try await running.run { [running] _ in
            #expect(await eventually { running.journal.lines.contains("warning no statistics are offered") })
            let answer = try await ask(running.address, "hello")
            #expect(answer == "hello")
        }
        withExtendedLifetime(other) {}
    }

    /// The endpoint appears just after the service listens.
    private func snapshot(beside address: PipeAddress) async throws -> ServerSnapshot {
        var found: ServerSnapshot?
        _ = await eventually {
            found = try? await StatisticsEndpoint.ask(beside: address)
            return found != nil
        }
        return try #require(found)
    }
}
#endif

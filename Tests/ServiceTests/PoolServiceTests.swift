// SPDX-License-Identifier: Apache-2.0
#if Service
import MetricsTestKit
import NamedPipes
import PipeTestSupport
import ServiceLifecycleTestKit
import Synchronization
import Testing

@testable import NamedPipesService
@testable import PipeReactor

private final class Shouter: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        _ = try? connection.send((String(copying: message) ?? "").uppercased())
    }
}

@Suite(.timeLimit(.minutes(5))) struct `A pipe service with a pool` {
    private func service(_ running: PoolRunning, workers: ReactorCount = 2) -> PipeService {
        PipeService(
            at: .address(running.running.address), workers: .init(count: workers), configuration: running.configuration,
            logger: running.running.journal.logger, handler: echo)
    }

    @Test(arguments: [1, 2] as [ReactorCount])
    func `serves until its group shuts down`(workers: ReactorCount) async throws {
        let running = try PoolRunning()
        let journal = running.running.journal
        try await running.running.run(service(running, workers: workers)) { _ in
            let answer = try await ask(running.running.address, "hello")
            #expect(answer == "hello")
            #expect(await eventually { journal.lines.contains("debug disconnected") })
        }
        let address = running.running.address
        await #expect(throws: PipeError.noServer(address)) { try await ask(address, "hello") }
        #expect(journal.lines.contains("info listening") && journal.lines.contains("debug connected"))
        #expect(journal.lines.last == "info stopped")
        #expect(running.events.count("stopped") == 1 && running.events.count("listening") == 1)
    }

    @Test func `serves with a delegate for each worker`() async throws {
        let running = try PoolRunning()
        let journal = running.running.journal
        let made = Count()
        let service = PipeService(
            at: .address(running.running.address), workers: .init(count: 3), configuration: running.configuration,
            logger: journal.logger,
            makeDelegate: { _ in
                made.add()
                return Shouter()
            })
        try await running.running.run(service) { _ in
            let answer = try await ask(running.running.address, "hello")
            #expect(answer == "HELLO")
            #expect(await eventually { journal.lines.contains("debug disconnected") })
        }
        #expect(made.value == 3)
        #expect(journal.lines.count { $0 == "debug connected" } == 1)
        #expect(journal.lines.last == "info stopped")
    }

    @Test(arguments: [true, false])
    func `stops at once when it is cancelled`(isAsync: Bool) async throws {
        let running = try PoolRunning()
        let shouting = PipeService(
            at: .address(running.running.address), workers: .init(count: 2), configuration: running.configuration,
            logger: running.running.journal.logger, makeDelegate: { _ in Shouter() })
        let service = isAsync ? service(running) : shouting
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            #expect(await eventually { running.running.journal.lines.contains("info listening") })
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
    }

    @Test func `that is told to stop before it has begun ends`() async throws {
        let running = try PoolRunning()
        try await testGracefulShutdown { trigger in
            trigger.triggerGracefulShutdown()
            try await service(running).run()
        }
        #expect(running.running.journal.lines.first == "info shutting down")
        #expect(running.running.journal.lines.last == "info stopped")
    }

    @Test func `publishes the sums, and the loop of each worker`() async throws {
        let metrics = TestMetrics()
        var running = try PoolRunning()
        running.configuration.metrics.factory = metrics
        // Longer than the test, so that only the end publishes.
        running.configuration.metrics.interval = .seconds(3600)
        running.configuration.metrics.dimensions = [("where", "here")]
        running.configuration.reactor.measuresCallbacks = true
        try await running.running.run(service(running)) { [running] _ in
            for _ in 0..<3 { _ = try await ask(running.running.address, "hello") }
        }
        let total = { (label: String) in
            metrics.counterTotal(label: "pipe_server_" + label, dimensions: [("where", "here")])
        }
        #expect(total("connections_accepted") == 3)
        #expect(total("messages_received") == 3)
        #expect(total("bytes_sent") == 27)
        #expect(try metrics.expectGauge("pipe_server_connections_open", [("where", "here")]).values == [0])
        let shutdown = try metrics.expectTimer("pipe_server_shutdown", [("where", "here")])
        #expect(shutdown.values.count == 1)
    }

    @Test func `publishes again and again while it serves`() async throws {
        let metrics = TestMetrics()
        var running = try PoolRunning()
        running.configuration.metrics.factory = metrics
        running.configuration.metrics.interval = .milliseconds(5)
        running.configuration.reactor.measuresCallbacks = true
        try await running.running.run(service(running)) { [running] _ in
            _ = try await ask(running.running.address, "hello")
            let dimensions = [("address", "\(running.running.address)")]
            #expect(
                await eventually {
                    let open = try? metrics.expectGauge("pipe_server_connections_open", dimensions)
                    return (open?.values.count ?? 0) >= 3
                })
            for worker in ["0", "1"] {
                let lag = try metrics.expectTimer("pipe_server_loop_lag", dimensions + [("worker", worker)])
                #expect(lag.values.count >= 3)
            }
        }
    }
}

/// A service over a pool, and its events.
private struct PoolRunning {
    let running: Running
    var configuration: PipeService.Configuration
    let events: EventTexts

    init() throws {
        let running = try Running()
        let events = EventTexts()
        self.running = running
        self.events = events
        configuration = running.configuration
        configuration.onPoolEvent = { _, event in
            events.add(event)
            if case .listening = event { running.didListen() }
        }
    }
}

private final class EventTexts: Sendable {
    private let texts = Mutex<[String]>([])

    func add(_ event: PipeServer.ServeEvent) { texts.withLock { $0.append("\(event)") } }

    func count(_ text: String) -> Int { texts.withLock { $0.count { $0 == text } } }
}
#endif

// SPDX-License-Identifier: Apache-2.0
#if Service
import CoreMetrics
import MetricsTestKit
import NamedPipes
import PipeTestSupport
import Testing

@testable import NamedPipesService
@testable import PipeReactor

@Suite struct `The metrics of a service` {
    private let metrics = TestMetrics()

    private func running(every interval: Duration?) throws -> Running {
        var running = try Running()
        running.configuration.metrics.factory = metrics
        running.configuration.metrics.interval = interval
        running.configuration.metrics.dimensions = [("where", "here")]
        return running
    }

    private func total(_ label: String, _ more: (String, String)...) -> Int64 {
        metrics.counterTotal(label: "pipe_server_" + label, dimensions: [("where", "here")] + more)
    }

    private func gauge(_ label: String) throws -> [Double] {
        try metrics.expectGauge("pipe_server_" + label, [("where", "here")]).values
    }

    @Test func `report everything that has happened, once, when it has stopped`() async throws {
        // Longer than the test, so that only the end publishes.
        let running = try running(every: .seconds(3600))
        try await running.run { _ in
            for _ in 0..<3 { _ = try await ask(running.address, "hello") }
        }
        #expect(total("connections_accepted") == 3)
        #expect(total("connections_closed", ("reason", "closedByPeer")) == 3)
        #expect(total("connections_closed", ("reason", "idle")) == 0)
        #expect(total("messages_received") == 3)
        #expect(total("messages_taken") == 3)
        #expect(total("messages_sent") == 3)
        #expect(total("bytes_received") == 27)
        #expect(total("bytes_sent") == 27)
        #expect(total("messages_unsent") == 0)
        #expect(try gauge("connections_open") == [0])
        #expect(try gauge("queue_high_water_bytes").count == 1)
        let shutdown = try metrics.expectTimer("pipe_server_shutdown", [("where", "here")])
        #expect(shutdown.values.count == 1)
    }

    @Test func `are all counters of the table`() async throws {
        let running = try running(every: .seconds(3600))
        try await running.run { _ in }
        for counter in ServerCounter.all {
            if counter.kind == .level {
                #expect(try gauge(counter.metric).count == 1)
            } else {
                #expect(metrics.counters.contains { $0.label == "pipe_server_" + counter.metric })
            }
        }
    }

    @Test func `grow by the difference each time`() async throws {
        let running = try running(every: .milliseconds(2))
        try await running.run { _ in
            try await PipeClient.withConnection(to: running.address) { connection in
                for round in 1...5 {
                    try await connection.send("x")
                    _ = try await connection.nextMessage()
                    #expect(await eventually { total("messages_received") == round })
                }
                let isOpen = try await eventually { try gauge("connections_open").last == 1 }
                #expect(isOpen)
            }
        }
        #expect(total("messages_received") == 5)
        #expect(total("bytes_sent") == 25)
        #expect(total("connections_closed", ("reason", "closedByPeer")) == 1)
        #expect(try gauge("connections_open").last == 0)
    }

    @Test func `count refused clients`() async throws {
        var running = try running(every: .seconds(3600))
        running.configuration.server.accessPolicy = .users([1 << 30])
        try await running.run { [running] _ in
            let peer = try RawPeer(connectingTo: running.address)
            #expect(await eventually { running.journal.lines.contains("notice refused") })
            peer.close()
        }
        #expect(total("connections_refused", ("reason", "policy")) == 1)
        #expect(total("connections_accepted") == 0)
    }

    @Test(arguments: [false, true])
    func `show how promptly the loop serves, where it measures`(_ measures: Bool) async throws {
        var running = try running(every: .seconds(3600))
        running.configuration.reactor.measuresCallbacks = measures
        try await running.run { [running] _ in _ = try await ask(running.address, "hello") }
        #expect(try metrics.expectTimer("pipe_server_loop_lag", [("where", "here")]).values.count == (measures ? 1 : 0))
        #expect(try gauge("loop_lag_max_seconds").allSatisfy { $0 > 0 })
        #expect(try gauge("longest_callback_seconds").count == (measures ? 1 : 0))
    }

    @Test func `are not made unless asked for`() async throws {
        let running = try running(every: nil)
        try await running.run { _ in _ = try await ask(running.address, "hello") }
        #expect(metrics.counters.isEmpty)
    }

    @Test func `name the address, and end with the server`() async throws {
        var running = try running(every: .milliseconds(1))
        running.configuration.metrics.dimensions = nil
        let thread = try ReactorThread { _ in }
        try await running.run(
            PipeService(
                at: .address(running.address), configuration: running.configuration, logger: running.journal.logger,
                on: thread.executor, handler: echo)
        ) { [running] _ in _ = try await ask(running.address, "hello") }
        let open = try metrics.expectGauge("pipe_server_connections_open", [("address", "\(running.address)")])
        #expect(await eventually { await isWithoutTimers(thread.executor) })
        #expect(open.lastValue == 0)
    }

    private func isWithoutTimers(_ executor: ReactorExecutor) async -> Bool {
        await withCheckedContinuation { continuation in
            executor.post { reactor in continuation.resume(returning: reactor.timers.count == 0) }
        }
    }
}
#endif

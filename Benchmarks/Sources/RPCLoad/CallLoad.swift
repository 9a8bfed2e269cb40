// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A closed loop of calls on many connections, whatever the protocol: each caller sends a text, awaits the same text,
/// and sends the next.
///
/// A caller is a task. The load ends at the first error or wrong reply, because one that lost a connection measures
/// something else.
public final class CallLoad: Sendable {
    /// How many connections are being opened at a time. More might not fit into the backlog of the listener, and a
    /// gRPC client that was refused waits a second before it tries again.
    private static let openingLimit = 64

    private struct Measured {
        var isMeasuring = false
        var latencies = Histogram()
    }

    private let options: LoadOptions
    private let answeredCallers = Atomic(0)
    private let measured = Mutex(Measured())

    public init(_ options: LoadOptions) { self.options = options }

    /// Opens the connections, warms up, measures, prints a line of JSON, and ends the program.
    ///
    /// - Parameters:
    ///   - executor: where the tasks of the connections run. The default is Swift's pool of threads.
    ///   - connect: opens one connection, and calls ``keepCalling(on:_:)`` with its number.
    public func run(
        on executor: (any TaskExecutor)? = nil, connecting connect: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Never {
        for number in 0..<options.connections {
            try await wait { number - $0 / options.inFlight < Self.openingLimit }
            Task(executorPreference: executor) {
                do { try await connect(number) } catch { end(with: "connection \(number): \(error)") }
            }
        }
        try await wait { $0 == options.connections * options.inFlight }
        try await Task.sleep(for: options.warmUp)
        try await report()
        exit(0)
    }

    /// Keeps the connection's calls in flight, forever.
    ///
    /// - Parameter echo: makes one call, and returns the reply.
    public func keepCalling(on connection: Int, _ echo: @escaping @Sendable (String) async throws -> String) async {
        await withDiscardingTaskGroup { group in
            for slot in 0..<options.inFlight {
                group.addTask { await self.repeatCalls(connection * self.options.inFlight + slot, echo) }
            }
        }
    }

    private func repeatCalls(_ caller: Int, _ echo: @Sendable (String) async throws -> String) async {
        var texts = CallText(caller: caller, size: options.size)
        var begin = nanoseconds(CLOCK_MONOTONIC)
        var isFirst = true
        while true {
            let text = texts.next()
            do {
                let reply = try await echo(text)
                guard reply == text else { end(with: "caller \(caller): \(text) came back as \(reply)") }
            } catch {
                end(with: "caller \(caller): \(error)")
            }
            let now = nanoseconds(CLOCK_MONOTONIC)
            measured.withLock { if $0.isMeasuring { $0.latencies.record(now - begin) } }
            begin = now
            if isFirst { answeredCallers.add(1, ordering: .relaxed) }
            isFirst = false
        }
    }

    /// Waits until enough callers have had their first reply.
    private func wait(until isEnough: (Int) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !isEnough(answeredCallers.load(ordering: .relaxed)) {
            guard ContinuousClock.now < deadline else { end(with: "a first reply did not come within 60 s") }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private func report() async throws {
        let before = Usage(server: options.server)
        measured.withLock { $0.isMeasuring = true }
        try await Task.sleep(for: options.time)
        let latencies = measured.withLock { measured in
            measured.isMeasuring = false
            return measured.latencies
        }
        printReport(messages: latencies.total, latencies, Usage(server: options.server) - before)
        _ = fflush(nil)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// Waits until every connection has its first reply, warms up, measures, and prints a line of JSON.
func measure(_ callers: [Caller], _ measurement: Measurement, _ options: Options, on reactor: Reactor) {
    let isAnswered = reactor.run(timeout: .seconds(60)) { callers.allSatisfy { $0.receivedCount > 0 } }
    guard isAnswered else { end(with: "a first reply did not come within 60 s") }
    reactor.run(timeout: options.warmUp) { false }
    report(on: measurement, options) { _ = reactor.run(timeout: options.time) { false } }
}

private func report(on measurement: Measurement, _ options: Options, running run: () -> Void) {
    let before = Usage(options)
    let repliesBefore = measurement.replyCount
    measurement.isMeasuring = true
    run()
    let spent = Usage(options) - before
    let messages = measurement.replyCount - repliesBefore
    let seconds = Double(spent.time) / 1e9
    let rate = Double(messages) / seconds
    let points = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)].map { name, part in
        "\"\(name)\": \(microseconds(measurement.latencies.quantile(part)))"
    }
    let most = microseconds(measurement.latencies.maximum)
    print(
        """
        {"messages": \(messages), "seconds": \(seconds), "messages_per_second": \(rate), \
        "latency_us": {\(points.joined(separator: ", ")), "max": \(most)}, "latency_curve_us": [], \
        "client_cpu_seconds": \(Double(spent.own) / 1e9), "server_cpu_seconds": \(Double(spent.server) / 1e9)}
        """)
}

private func microseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e3 }

/// Time that has passed, and CPU time that was used, in nanoseconds.
private struct Usage {
    var time, own, server: UInt64

    init(_ options: Options) {
        time = nanoseconds(CLOCK_MONOTONIC)
        own = nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
        server = options.server.map(cpuNanoseconds(ofProcess:)) ?? 0
    }

    static func - (later: Usage, earlier: Usage) -> Usage {
        var difference = later
        difference.time -= earlier.time
        difference.own -= earlier.own
        difference.server -= earlier.server
        return difference
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Time that has passed, and CPU time that was used, in nanoseconds.
struct Usage {
    var time, own, server: UInt64

    /// - Parameter server: the process id of the server; nil leaves its CPU time out.
    init(server: Int32?) {
        time = nanoseconds(CLOCK_MONOTONIC)
        own = nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
        self.server = server.map(cpuNanoseconds(ofProcess:)) ?? 0
    }

    static func - (later: Usage, earlier: Usage) -> Usage {
        var difference = later
        difference.time -= earlier.time
        difference.own -= earlier.own
        difference.server -= earlier.server
        return difference
    }
}

/// Prints the line of JSON that the harness reads.
func printReport(messages: UInt64, _ latencies: Histogram, _ spent: Usage) {
    let seconds = Double(spent.time) / 1e9
    let rate = Double(messages) / seconds
    let points = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)].map { name, part in
        "\"\(name)\": \(microseconds(latencies.quantile(part)))"
    }
    let most = microseconds(latencies.maximum)
    print(
        """
        {"messages": \(messages), "seconds": \(seconds), "messages_per_second": \(rate), \
        "latency_us": {\(points.joined(separator: ", ")), "max": \(most)}, "latency_curve_us": [], \
        "client_cpu_seconds": \(Double(spent.own) / 1e9), "server_cpu_seconds": \(Double(spent.server) / 1e9)}
        """)
}

private func microseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e3 }

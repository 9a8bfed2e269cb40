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
    let before = Usage(server: options.server)
    let repliesBefore = measurement.replyCount
    measurement.isMeasuring = true
    run()
    let spent = Usage(server: options.server) - before
    printReport(messages: measurement.replyCount - repliesBefore, measurement.latencies, spent)
}

// SPDX-License-Identifier: Apache-2.0
import Benchmark
import NamedPipes
import Synchronization

// The cost of running a function on a reactor that another thread runs: from the first post of a million until the last
// of them has run. The scaling factor of 1,000,000 is the number of posts in one iteration.

private let posts = 1_000_000

/// Counts on the reactor's thread, and reports to another when all have run.
private final class Count: Sendable {
    private let value = Atomic(0)
    private let finished: ReactorExecutor

    init(finished: ReactorExecutor) { self.finished = finished }

    func raise() {
        guard value.add(1, ordering: .relaxed).newValue == posts else { return }
        finished.post { $0.stop() }
    }
}

private func measure(_ benchmark: Benchmark, posters count: Int) throws {
    let target = try ReactorThread(name: "target") { _ in }
    let posters = try (0..<count).map { try ReactorThread(name: "poster \($0)") { _ in } }
    let reactor = try Reactor()
    let executor = target.executor
    let counter = Count(finished: reactor.executor)
    let work: @Sendable (Reactor) -> Void = { _ in counter.raise() }
    benchmark.startMeasurement()
    for poster in posters {
        poster.executor.post { _ in
            for _ in 0..<(posts / count) { executor.post(work) }
        }
    }
    reactor.run()
    benchmark.stopMeasurement()
    for thread in posters + [target] {
        thread.stop()
        thread.join()
    }
}

let benchmarks: @Sendable () -> Void = {
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock, .cpuTotal, .instructions], warmupIterations: 1, scalingFactor: .mega,
        maxDuration: .seconds(3), maxIterations: 20)

    Benchmark("post from one thread", configuration: configuration) { try measure($0, posters: 1) }
    Benchmark("post from four threads", configuration: configuration) { try measure($0, posters: 4) }
}

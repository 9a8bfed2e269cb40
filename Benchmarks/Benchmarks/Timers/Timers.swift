// SPDX-License-Identifier: Apache-2.0
import Benchmark
import NamedPipes

// The cost of setting and cancelling a timer beside others that are pending. The scaling factor of 1,000 is the number
// of timers that one iteration sets and cancels.

private let timers = 1000

/// The delays of a server's timeouts: all the same, or any. None of them is ever due here.
private enum Delays: String, CaseIterable {
    case equal, random

    func next(_ generator: inout some RandomNumberGenerator) -> Duration {
        switch self {
        case .equal: .seconds(60)
        case .random: .milliseconds(Int64.random(in: 30_000..<90_000, using: &generator))
        }
    }
}

private func measure(_ benchmark: Benchmark, beside pending: Int, _ delays: Delays, _ step: Step) throws {
    let reactor = try Reactor()
    var generator = Seeded()
    for _ in 0..<pending { reactor.schedule(after: delays.next(&generator)) {} }
    let own = (0..<timers).map { _ in delays.next(&generator) }
    var handles: [ScheduledWork] = []
    handles.reserveCapacity(timers)
    if step == .set { benchmark.startMeasurement() }
    for delay in own { handles.append(reactor.schedule(after: delay) {}) }
    if step == .set { benchmark.stopMeasurement() }
    handles.shuffle(using: &generator)
    if step == .cancel { benchmark.startMeasurement() }
    for handle in handles { handle.cancel() }
    if step == .cancel { benchmark.stopMeasurement() }
}

/// The same random numbers in every run (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

private enum Step: String, CaseIterable {
    case set, cancel
}

let benchmarks: @Sendable () -> Void = {
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock, .instructions], warmupIterations: 1, scalingFactor: .kilo, maxDuration: .seconds(1),
        maxIterations: 100)

    for step in Step.allCases {
        for delays in Delays.allCases {
            for pending in [1, 1000, 100_000] {
                Benchmark("\(step) a timer beside \(pending), \(delays) delays", configuration: configuration) {
                    try measure($0, beside: pending, delays, step)
                }
            }
        }
    }
}

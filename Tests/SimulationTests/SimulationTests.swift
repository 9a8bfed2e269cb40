// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

/// A few thousand seeds; `make simulation SEEDS=100000` does more of them, optimised. `SIMULATION_SEED=4711` replays
/// one.
@Suite struct `The deterministic simulation` {
    @Test("34, 36, 40-48, 79 · any legal order of reads, writes, ends and calls: all that is promised holds")
    func findsNothing() {
        let problems = Simulation.problems(of: Self.seeds)
        #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
    }

    private static var seeds: ClosedRange<UInt64> {
        let chosen = unsafe getenv("SIMULATION_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
        return chosen.map { $0...$0 } ?? 1...UInt64(repetitions(2000))
    }

    @Test func `names the seed that failed, and fails in the same way again`() throws {
        let first = Simulation.problems(of: [3], in: [("failing", { ["\(Seeded($0))"] })])
        #expect(first.count == 1 && first[0].hasPrefix("seed 3, failing: "))
        #expect(first == Simulation.problems(of: [3], in: [("failing", { ["\(Seeded($0))"] })]))
    }
}

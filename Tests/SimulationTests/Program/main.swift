// SPDX-License-Identifier: Apache-2.0
import Glibc

// simulate [SEEDS [FIRST]]: SEEDS seeds from FIRST on; 100,000 from 1 by default. SIMULATION_SEED=N: only this one.

let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
let chosen = unsafe getenv("SIMULATION_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
let first = chosen ?? arguments.dropFirst().first ?? 1
let count = chosen == nil ? max(1, arguments.first ?? 100_000) : 1
let start = ContinuousClock.now
let problems = Simulation.problems(of: first..<first + count)
for problem in problems { print(problem) }
let verdict = problems.isEmpty ? "nothing found" : "\(problems.count) problems; SIMULATION_SEED=N replays a seed"
print("\(count) seeds from \(first) in \((ContinuousClock.now - start).components.seconds) s: \(verdict)")
exit(problems.isEmpty ? 0 : 1)

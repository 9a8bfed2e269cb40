// SPDX-License-Identifier: Apache-2.0

/// The same random numbers in every run.
package struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension Seeded {
    mutating func happens(_ chance: Double) -> Bool {
        chance > 0 && Double.random(in: 0..<1, using: &self) < min(chance, 0.9)
    }

    /// A random size from the range; at least 1.
    mutating func size(_ range: ClosedRange<Int>) -> Int { max(Int.random(in: range, using: &self), 1) }

    mutating func duration(_ range: ClosedRange<Duration>) -> Duration {
        let spread = range.upperBound - range.lowerBound
        return range.lowerBound + spread * Double.random(in: 0...1, using: &self)
    }
}

extension Seeded {
    /// A random number from the range.
    package mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// A random element.
    package mutating func pick<Value>(_ values: [Value]) -> Value { values[number(0...values.count - 1)] }
}

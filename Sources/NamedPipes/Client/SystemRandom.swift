// SPDX-License-Identifier: Apache-2.0

/// The system's random numbers, as a value that has a size.
///
/// `SystemRandomNumberGenerator` has none, so all of them have the same address, and ThreadSanitizer takes two threads
/// that pass one to a function for a race.
package struct SystemRandom: RandomNumberGenerator {
    private var room: UInt8 = 0

    package init() {}

    package mutating func next() -> UInt64 { .random(in: .min ... .max) }
}

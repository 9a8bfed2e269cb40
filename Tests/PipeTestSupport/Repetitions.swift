// SPDX-License-Identifier: Apache-2.0

// Random tests repeat what they do for the sake of rare orders of events and rare cuts. The plain build does all of it.
// A sanitizer watches the same code in each repetition and takes ten times as long: it gets a part.

/// The seeds of a random test: 1 to `count`, or the first few of them under a sanitizer.
package func seeds(_ count: UInt64) -> ClosedRange<UInt64> { 1...(isSanitized ? max(2, count / 5) : count) }

/// How often to repeat something: `count` times, or a tenth of them under a sanitizer.
package func repetitions(_ count: Int) -> Int { isSanitized ? max(1, count / 10) : count }

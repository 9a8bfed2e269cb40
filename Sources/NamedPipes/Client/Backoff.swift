// SPDX-License-Identifier: Apache-2.0

/// Delays that grow from attempt to attempt and are partly random.
package struct Backoff {
    let initialDelay: Duration
    let maximumDelay: Duration
    let multiplier: Double
    let jitter: Double

    /// How many delays were taken since the beginning or the last ``reset()``.
    private(set) var attemptCount = 0

    package init(initialDelay: Duration, maximumDelay: Duration, multiplier: Double = 2, jitter: Double = 0.5) {
        self.initialDelay = initialDelay
        self.maximumDelay = maximumDelay
        self.multiplier = max(multiplier, 1)
        self.jitter = min(max(jitter, 0), 1)
    }

    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        var delay = initialDelay
        for _ in 0..<attemptCount where delay < maximumDelay { delay = delay * multiplier }
        attemptCount += 1
        let random = Double.random(in: 0...1, using: &generator)
        return min(delay, maximumDelay) * (1 - jitter * random)
    }

    package mutating func reset() { attemptCount = 0 }
}

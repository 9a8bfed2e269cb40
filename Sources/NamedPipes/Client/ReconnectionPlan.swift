// SPDX-License-Identifier: Apache-2.0

/// When a lost connection is made again, and how often in a row that may fail: a value without a clock.
struct ReconnectionPlan {
    private var backoff: Backoff
    private let maximumAttemptCount: Int
    private var failedAttemptCount = 0

    init(_ reconnection: PipeClient.Reconnection) {
        backoff = Backoff(
            initialDelay: reconnection.initialDelay, maximumDelay: reconnection.maximumDelay,
            multiplier: reconnection.multiplier, jitter: reconnection.jitter)
        maximumAttemptCount = reconnection.maximumAttemptCount ?? .max
    }

    /// The owner connects: whatever was lost before is forgotten.
    mutating func startOver() {
        backoff.reset()
        failedAttemptCount = 0
    }

    /// A connection ends the row of failures. The delays go on growing until one has lasted: a server that accepts and
    /// closes at once would have all its clients back every 50 ms otherwise.
    mutating func didConnect() { failedAttemptCount = 0 }

    /// A connection was lost.
    ///
    /// - Returns: when to connect again; nil where no attempt is allowed.
    mutating func connectionWasLost(
        after lifetime: Duration, using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        if lifetime >= backoff.maximumDelay { backoff.reset() }
        return maximumAttemptCount > 0 ? backoff.next(using: &generator) : nil
    }

    /// An attempt has failed.
    ///
    /// - Returns: when the next one follows; nil after the last, and where there was no connection before.
    mutating func attemptDidFail(using generator: inout some RandomNumberGenerator) -> Duration? {
        guard backoff.attemptCount > 0 else { return nil }
        failedAttemptCount += 1
        return failedAttemptCount < maximumAttemptCount ? backoff.next(using: &generator) : nil
    }
}

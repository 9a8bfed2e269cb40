// SPDX-License-Identifier: Apache-2.0

/// When to restore a lost connection, and how often in a row that may fail: a value without a clock.
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

    /// The owner connects: earlier losses are forgotten.
    mutating func startOver() {
        backoff.reset()
        failedAttemptCount = 0
    }

    /// A connection ends the series of failures. The delays continue to grow until a connection has lasted: otherwise a
    /// server that accepts and closes at once would have all its clients back every 50 ms.
    mutating func didConnect() { failedAttemptCount = 0 }

    /// A connection was lost.
    ///
    /// - Returns: the delay before connecting again; nil if no attempt is allowed.
    mutating func connectionWasLost(
        after lifetime: Duration, using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        if lifetime >= backoff.maximumDelay { backoff.reset() }
        return maximumAttemptCount > 0 ? backoff.next(using: &generator) : nil
    }

    /// An attempt has failed.
    ///
    /// - Returns: the delay before the next attempt; nil after the last one, and if there was no connection before.
    mutating func attemptDidFail(using generator: inout some RandomNumberGenerator) -> Duration? {
        guard backoff.attemptCount > 0 else { return nil }
        failedAttemptCount += 1
        return failedAttemptCount < maximumAttemptCount ? backoff.next(using: &generator) : nil
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The timer that ends a server's grace period, and the handler that waits for it; ``ServerLifecycle/grace`` says how
/// long the period is.
struct ShutdownGrace {
    /// Expires when the period is over; nil if there is no limit.
    var limit: TimeLimit?
    /// Called once when the period is over, for tasks that are awaited after the connections have ended. Their delegate
    /// calls ``PipeServer/endGrace()`` when it no longer waits.
    var onEnd: (() -> Void)?
}

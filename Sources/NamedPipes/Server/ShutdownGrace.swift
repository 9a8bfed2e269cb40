// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// What ends a server's grace, and what waits for that; ``ServerLifecycle/grace`` says how long it is.
struct ShutdownGrace {
    /// Exceeded when it is over; nil where there is none.
    var limit: TimeLimit?
    /// Called when it is over, once, for tasks that are waited for after the connections have ended. Their delegate
    /// calls ``PipeServer/endGrace()`` when it waits no longer.
    var onEnd: (() -> Void)?
}

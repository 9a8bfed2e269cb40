// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Where a capture comes from: the server itself, or something that stands between it and its clients.
protocol CaptureSource: Sendable {
    /// Captures until the source ends, the function throws, or the task is cancelled.
    ///
    /// - Parameters:
    ///   - executor: the executor of the reactor to use.
    ///   - take: gets what has happened since the last call, in its order. Called on one thread, the reactor's or one
    ///     of the source's own, which it may block: meanwhile clients and server go on, and the source loses messages
    ///     and counts them. A call may be empty: the first one says that the capture has begun, later ones that it
    ///     goes on.
    /// - Throws: the function's error, the errors of the source, and `CancellationError`.
    func run(
        on executor: ReactorExecutor, _ take: @escaping @Sendable ([CaptureEvent]) throws -> Void
    ) async throws
}

// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

extension RecordingDelegate {
    /// Waits for an event: the first equal one after the event that was awaited last. Events in between are skipped,
    /// and stay in ``events``.
    ///
    /// - Parameters:
    ///   - event: the event to wait for.
    ///   - limit: the maximum time to wait, in real time. The default is 10 s.
    /// - Throws: ``RecordingTimeout``, or `CancellationError` if the task is cancelled.
    public func wait(for event: PipeEvent, within limit: Duration = .seconds(10)) async throws {
        try await take("\(event)", limit) { $0 == event }
    }

    /// Waits for a matching event, and returns it; see ``wait(for:within:)``.
    ///
    /// ```swift
    /// let end = try await recorder.next { if case .closed = $0 { true } else { false } }
    /// ```
    ///
    /// - Parameters:
    ///   - limit: the maximum time to wait, in real time. The default is 10 s.
    ///   - matches: whether an event is the awaited one; called under the recorder's lock, so it must not use the
    ///     recorder. The default matches any event.
    /// - Throws: ``RecordingTimeout``, or `CancellationError` if the task is cancelled.
    @discardableResult
    public func next(
        within limit: Duration = .seconds(10), where matches: (PipeEvent) -> Bool = { _ in true }
    ) async throws -> PipeEvent {
        try await take("matching event", limit, matches)
    }

    @discardableResult
    private func take(
        _ what: String, _ limit: Duration, _ matches: (PipeEvent) -> Bool
    ) async throws -> PipeEvent {
        let deadline = ContinuousClock.now + limit
        let waiter = record.withLock { $0.newWaiter() }
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)
            wake(waiter)
        }
        defer { timer.cancel() }
        while true {
            let (event, seenCount) = record.withLock { ($0.take(matches), $0.entries.count) }
            if let event { return event }
            try Task.checkCancellation()
            guard ContinuousClock.now < deadline else {
                throw RecordingTimeout(missing: what, limit: limit, events: events)
            }
            await change(behind: seenCount, waiter, deadline)
        }
    }

    /// Returns when there is another event, the time is up, or the task is cancelled.
    private func change(behind seenCount: Int, _ waiter: Int, _ deadline: ContinuousClock.Instant) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Checked under the lock: an earlier wake-up is seen here, a later one finds the continuation.
                let waits = record.withLock { record in
                    if Task.isCancelled || ContinuousClock.now >= deadline { return false }
                    return record.wait(waiter, behind: seenCount, continuation)
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            wake(waiter)
        }
    }

    private func wake(_ waiter: Int) {
        record.withLock { $0.stopWaiting(waiter) }?.resume()
    }
}

/// An awaited event did not occur in time.
public struct RecordingTimeout: Error, Hashable, Sendable, CustomStringConvertible {
    /// The awaited event.
    public let missing: String

    /// The time limit.
    public let limit: Duration

    /// The actual events, from the beginning.
    public let events: [PipeEvent]

    /// The awaited and the actual events, for the message of a failed test.
    public var description: String {
        let happened = events.isEmpty ? "nothing" : events.map(\.description).joined(separator: ", ")
        return "no \(missing) within \(limit); recorded: \(happened)"
    }
}

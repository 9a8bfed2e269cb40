// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Time that stands still until a test moves it: the clock of a ``MemoryNetwork``'s timers.
///
/// ```swift
/// configuration.connection.idleLimit = .seconds(600)
/// …
/// network.clock.advance(by: .seconds(900))                  // at once
/// #expect(recorder.events.last == .closed(.idle))
/// ```
///
/// Timers of the reactor (`schedule`), all limits and timeouts of connections, servers and clients, and the delays of
/// ``TransportFaults`` use this clock. Limits for which a test itself waits, such as `Reactor.run(timeout:until:)`, are
/// in real time.
public final class VirtualClock: Sendable {
    private let executor: ReactorExecutor
    private let start: SuspendingClock.Instant

    init(_ reactor: Reactor) {
        executor = reactor.executor
        start = reactor.now
    }

    /// The time that has passed since the network was made. May be read on any thread.
    public var elapsed: Duration { now - start }

    /// Lets time pass on the reactor: each timer fires at its due time, in order, and its consequences are handled
    /// before the next. Call it on the reactor's thread, and not inside a callback.
    ///
    /// - Parameter duration: the time to pass; a negative one counts as zero.
    /// - Returns: false if the loop never came to rest, because two parties keep each other busy for ever, or the
    ///   reactor was stopped.
    @discardableResult
    public func advance(by duration: Duration) -> Bool { executor.reactorOfThisThread.advance(by: duration) }
}

extension VirtualClock: Clock {
    /// The same type as for `ReactorExecutor.clock`, which for the network's reactor is the same clock.
    public typealias Instant = ReactorClock.Instant

    /// The present time. May be read on any thread.
    public var now: Instant { executor.clock.now }

    /// As `ReactorClock.minimumResolution`.
    public var minimumResolution: Duration { executor.clock.minimumResolution }

    /// Waits until ``advance(by:)`` reaches that time; see `ReactorClock`. A task that prefers the reactor's executor
    /// resumes in its place between the timers.
    ///
    /// - Parameters:
    ///   - deadline: when to resume.
    ///   - tolerance: has no effect.
    /// - Throws: `CancellationError` if the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try await executor.clock.sleep(until: deadline, tolerance: tolerance)
    }
}
